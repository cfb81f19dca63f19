"""What a run will do: its cells, a stable share of them, and the order in which they are worked on. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.cells.subjects import Cell
from harness.errors import UsageError
from harness.records import CellId


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One of several parts of a plan, which together are the whole: `2/3`."""

    number: int
    """From 1."""
    of: int

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.number}/{self.of}"

    def has(self, case: str) -> bool:
        """Whether a case belongs to this part: decided by its name alone, the same on every machine, for all time."""
        digest = hashlib.sha256(case.encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.number - 1


def parse_share(text: str) -> Share:
    """Read `2/3`. Raises UsageError."""
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    share = Share(number=int(found[1]), of=int(found[2])) if found else None
    if share is None or not 1 <= share.number <= share.of:
        raise UsageError(f"--shard {text!r} is no part of a whole; write for example 2/3 for the second of three")
    return share


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything a run will do, and what it cannot."""

    cells: tuple[Cell, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    """Cases that cannot be tried here, each with the reason."""
    share: Share | None = None
    """Which part of the whole this is; None for the whole."""

    @property
    def ids(self) -> tuple[CellId, ...]:
        """The cells as they are named in records."""
        return tuple(cell_id(cell) for cell in self.cells)

    def part(self, share: Share) -> Plan:
        """Return one part; all cells of a case are in the same, so that each model is built on one machine only."""
        cells = tuple(cell for cell in self.cells if share.has(cell.subject.id))
        left_out = tuple((case, why) for case, why in self.left_out if share.has(case))
        return replace(self, cells=cells, left_out=left_out, share=share)


def cell_id(cell: Cell) -> CellId:
    """Return a cell's five words."""
    target = cell.target
    return CellId(
        case=cell.subject.id,
        route=cell.route,
        opencv=target.opencv,
        engine=target.engine_asked,
        backend=target.backend,
    )


def longest_first(cells: Sequence[Cell], seconds: Callable[[CellId], float | None]) -> list[list[Cell]]:
    """Return the cells by subject, the subject that took longest before at the front.

    What was never run comes first of all: it has to be exported, which takes longer than anything. A subject is worked
    on whole, so that its model is built once; a long one begun last would keep one core busy while others are idle.
    """
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.subject.id, []).append(cell)

    def length(group: Sequence[Cell]) -> float:
        known = [seconds(cell_id(cell)) for cell in group]
        return sum(float("inf") if one is None else one for one in known)

    return sorted(groups.values(), key=length, reverse=True)
