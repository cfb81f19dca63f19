"""Records of backend tests as a table: operator x opset -> per release, how many are right. Pure; the view model."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from packaging.version import InvalidVersion, Version

from harness.operators import WORST_FIRST, Answer, OperatorRecord

SEVERAL = "(several operators)"
"""Row of the cases whose graph has more than one op, so that none of them is to blame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorColumn:
    """One release with the engine that was asked for."""

    opencv: str
    engine: str
    backend: str
    engines_used: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How the column is headed."""
        return self.opencv if self.engine == "default" else f"{self.opencv}/{self.engine}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The cases of one row on one release."""

    strict: int
    lenient: int
    of: int
    """All cases: also those that cannot be expressed, which count as neither."""
    answers: dict[Answer, int] = field(default_factory=dict)
    """What the others came to, worst first, by the lenient opinion."""

    @property
    def expressible(self) -> int:
        """Cases that OpenCV could have got right."""
        return self.of - self.answers.get(Answer.NOT_EXPRESSIBLE, 0) - self.answers.get(Answer.ROUTE_ABSENT, 0)

    @property
    def worst(self) -> Answer:
        """The answer that names the cell; cases that cannot be expressed do so only where there are no others."""
        told = (answer for answer in self.answers if answer is not Answer.NOT_EXPRESSIBLE or not self.expressible)
        return next(told, Answer.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRow:
    """One operator at one opset: as a node of its own, or written out as the function that defines it."""

    operator: str
    opset: int | None
    expanded: bool
    tallies: tuple[Tally | None, ...]
    """One per column; None where the release has no record."""
    failing: tuple[OperatorRecord, ...]
    """Records that are not ok in the strict opinion, worst first."""

    @property
    def name(self) -> str:
        """How the row is headed."""
        return f"{self.operator or SEVERAL}{', written out' if self.expanded else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTable:
    """Everything a page about a run shows."""

    corpus: str
    command: str
    started: str
    planned: int
    reported: int
    columns: tuple[OperatorColumn, ...]
    totals: tuple[Tally, ...]
    rows: tuple[OperatorRow, ...]


def build_table(
    records: Iterable[OperatorRecord], *, corpus: str, command: str, started: str, planned: int
) -> OperatorTable:
    """Return the table of a run, worst rows first."""
    everything = list(records)
    columns = _columns(everything)
    grouped: dict[tuple[str, int | None, bool], list[OperatorRecord]] = defaultdict(list)
    for record in everything:
        grouped[record.operator, record.opset if record.operator else None, record.expanded].append(record)
    rows = [_row(key, found, columns) for key, found in grouped.items()]
    return OperatorTable(
        corpus=corpus,
        command=command,
        started=started,
        planned=planned,
        reported=len(everything),
        columns=columns,
        totals=tuple(tally for column in columns if (tally := _tally(everything, column)) is not None),
        rows=tuple(sorted(rows, key=_rank)),
    )


def _columns(records: Sequence[OperatorRecord]) -> tuple[OperatorColumn, ...]:
    used: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for record in records:
        target = record.target
        used[target.opencv, target.engine_asked, target.backend].add(target.engine_used)
    found = sorted(used, key=lambda key: (_version(key[0]), key))
    return tuple(
        OperatorColumn(opencv=opencv, engine=engine, backend=backend, engines_used=tuple(sorted(engines - {""})))
        for opencv, engine, backend in found
        for engines in [used[opencv, engine, backend]]
    )


def _version(text: str) -> Version:
    """Order releases by PEP 440; what is not one (a path, a command) comes first."""
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0.dev0")


def _row(
    key: tuple[str, int | None, bool], records: Sequence[OperatorRecord], columns: Sequence[OperatorColumn]
) -> OperatorRow:
    failing = [record for record in records if record.strict is not Answer.OK]
    operator, opset, expanded = key
    return OperatorRow(
        operator=operator,
        opset=opset,
        expanded=expanded,
        tallies=tuple(_tally(records, column) for column in columns),
        failing=tuple(sorted(failing, key=_harm)),
    )


def _harm(record: OperatorRecord) -> tuple[int, int, str, Version]:
    lenient, strict = WORST_FIRST.index(record.lenient), WORST_FIRST.index(record.strict)
    return (lenient, strict, record.case, _version(record.target.opencv))


def _tally(records: Sequence[OperatorRecord], column: OperatorColumn) -> Tally | None:
    place = (column.opencv, column.engine, column.backend)
    mine = [one for one in records if (one.target.opencv, one.target.engine_asked, one.target.backend) == place]
    if not mine:
        return None
    counts = Counter(record.lenient for record in mine)
    return Tally(
        strict=sum(record.strict is Answer.OK for record in mine),
        lenient=counts[Answer.OK],
        of=len(mine),
        answers={answer: counts[answer] for answer in WORST_FIRST if counts[answer] and answer is not Answer.OK},
    )


def _rank(row: OperatorRow) -> tuple[float, int, float, int, str, int, bool]:
    """Order rows by the share that is right over all releases, then by harm; what nothing is known of comes last."""
    there = [tally for tally in row.tallies if tally is not None]
    expressible = sum(tally.expressible for tally in there)
    if not expressible:
        return (2.0, 0, 2.0, 0, row.name, row.opset or 0, row.expanded)
    lenient, strict = sum(tally.lenient for tally in there), sum(tally.strict for tally in there)
    harm = min(WORST_FIRST.index(tally.worst) for tally in there)
    return (lenient / expressible, harm, strict / expressible, -expressible, row.name, row.opset or 0, row.expanded)
