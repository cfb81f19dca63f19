"""Operations of exported graphs by release: in how many cases each occurs, and in how many it is to blame. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.records import Outcome
from harness.report.figures import NONE
from harness.report.model import Cell
from harness.report.spans import Matrix, Way
from harness.report.words import Tone, Word

_NOT_OPS = frozenset({"Const", "Constant", "Placeholder", "Identity", "NoOp"})
"""What every graph has and no importer fails at."""


class Support(StrEnum):
    """What a release makes of an operation, as far as the cases tell."""

    ALL = "all"
    """Every case that has it is ok."""
    SOME = "some"
    """Some case that has it is ok, and none fails because of it."""
    PARTLY = "partly"
    """Some case that has it is ok, others fail because of it."""
    NONE = "none"
    """No case that has it is ok, and it is to blame."""
    OPEN = "open"
    """No case that has it is ok, for other reasons."""
    ABSENT = "absent"
    """Nothing that has it could be tried."""


SUPPORTS: dict[Support, Word] = {
    Support.ALL: Word(symbol="✓", tone=Tone.GOOD, meaning="every case that has it is ok", action=""),
    Support.SOME: Word(symbol="✓", tone=Tone.GOOD, meaning="some are ok, the others fail for other reasons", action=""),
    Support.PARTLY: Word(symbol="◐", tone=Tone.REFUSED, meaning="some are ok, others fail because of it", action=""),
    Support.NONE: Word(symbol="⊘", tone=Tone.WRONG, meaning="none is ok, and it is to blame", action=""),
    Support.OPEN: Word(symbol="?", tone=Tone.UNPROVEN, meaning="none is ok, for other reasons: not known", action=""),
    Support.ABSENT: Word(symbol=NONE, tone=Tone.ABSENT, meaning="no importer, or not run", action=""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpTally:
    """One operation by one way on one release."""

    ok: int = 0
    of: int = 0
    """Cases that have it in their graph, or fail because of it, and could be tried."""
    blamed: int = 0
    """Failing cases whose first cause it is."""

    @property
    def support(self) -> Support:
        """What these figures come to."""
        if not self.of:
            return Support.ABSENT
        if self.ok == self.of:
            return Support.ALL
        if self.ok:
            return Support.PARTLY if self.blamed else Support.SOME
        return Support.NONE if self.blamed else Support.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class OpRow:
    """One operation by one way, over its releases."""

    op: str
    nodes: int
    """Nodes of it, over the graphs of the newest release."""
    tallies: tuple[OpTally, ...]

    @property
    def worst(self) -> tuple[int, int, int]:
        """How it ranks: blamed on the newest release first, then blamed anywhere, then by how often it occurs."""
        return (-self.tallies[-1].blamed, -sum(tally.blamed for tally in self.tallies), -self.tallies[-1].of)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpTable:
    """All operations of one way, those that fail first."""

    way: Way
    rows: tuple[OpRow, ...]


def build_op_tables(matrix: Matrix) -> tuple[OpTable, ...]:
    """Return a table for each way whose graphs are known."""
    cells: dict[Way, list[Cell]] = {way: [] for way in matrix.ways}
    for span in matrix.spans:
        cells[span.way] += span.cells
    tables = (OpTable(way=way, rows=tuple(sorted(_rows(way, found), key=_rank))) for way, found in cells.items())
    return tuple(table for table in tables if table.rows)


def _rank(row: OpRow) -> tuple[object, ...]:
    return (*row.worst, row.op)


def _rows(way: Way, cells: Sequence[Cell]) -> Iterable[OpRow]:
    by_op: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        for op in {*cell.record.ops, *_blamed(cell)} - _NOT_OPS:
            by_op[op].append(cell)
    place = {column: index for index, column in enumerate(way.columns)}
    for op, found in by_op.items():
        by_release: list[list[Cell]] = [[] for _ in way.columns]
        for cell in found:
            by_release[place[cell.column]].append(cell)
        nodes = sum(cell.record.ops.get(op, 0) for cell in by_release[-1])
        yield OpRow(op=op, nodes=nodes, tallies=tuple(_tally(op, here) for here in by_release))


def _blamed(cell: Cell) -> set[str]:
    return {cell.record.op} if cell.record.op and cell.outcome is not Outcome.OK else set()


def _tally(op: str, cells: Sequence[Cell]) -> OpTally:
    tried = [cell for cell in cells if cell.outcome is not Outcome.ROUTE_ABSENT]
    return OpTally(
        ok=sum(cell.outcome is Outcome.OK for cell in tried),
        of=len(tried),
        blamed=sum(op in _blamed(cell) for cell in tried),
    )
