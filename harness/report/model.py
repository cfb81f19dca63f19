"""The view model: records in, everything a report shows out, as plain values. Pure functions, no formatting."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field
from itertools import groupby
from statistics import median

from packaging.version import InvalidVersion, Version

from harness.records import Judgement, Outcome, Record
from harness.report.plaintext import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What only the run itself knows; stored beside the records, encoded by their codec."""

    started: str
    """ISO 8601 with offset."""
    seconds: float
    command: str
    host: str
    """Machine in words: system, processor, cores."""
    planned: int
    """How many cells the run set out to try."""
    missing: tuple[str, ...] = ()
    """Planned cells that have no record, as `case [route, OpenCV version/engine]`, where they can be named."""
    versions: dict[str, str] = field(default_factory=dict)
    """Package -> version, of everything that took part on this side (the OpenCV releases are in the records)."""
    routes: dict[str, str] = field(default_factory=dict)
    """Route -> one-sentence summary; gives the columns their order and the legend its text."""
    title: str = "Keras models in OpenCV"
    interrupted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Column:
    """One way to run a case: a column of the matrix."""

    opencv: str
    engine: str
    backend: str
    route: str

    @property
    def place(self) -> str:
        """Release and engine, and the backend where it is not the plain CPU one."""
        backend = "" if self.backend == "opencv/cpu" else f", {self.backend}"
        return f"OpenCV {self.opencv}/{self.engine}{backend}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of the matrix: its record and what is read off it."""

    id: str
    """Anchor: safe in HTML and URLs, the same for the same cell in every report."""
    column: Column
    record: Record
    attention: bool
    """The judgement fails the run, or the cell failed and nothing was expected of it."""

    @property
    def outcome(self) -> Outcome:
        """The verdict."""
        return self.record.outcome

    @property
    def margin(self) -> float | None:
        """Error over allowed; None where nothing was compared or the error is not finite."""
        return self.record.parity.margin if self.record.parity else None

    @property
    def latency_ms(self) -> float | None:
        """Median forward time."""
        return self.record.latency.forward_ms.median if self.record.latency else None

    @property
    def blame(self) -> str:
        """The most precise thing known about what failed: op, else layer, else signal, else stage."""
        if self.outcome is Outcome.OK:
            return ""
        known = self.record.op or self.record.layer or self.record.signal or self.record.stage
        return one_line(known or "", 120)

    @property
    def summary(self) -> str:
        """First line of the message."""
        return one_line(self.record.message or "", 240)

    @property
    def engine_differs(self) -> bool:
        """Whether OpenCV used another engine than the one asked for by name."""
        target = self.record.target
        return bool(target.engine_used) and target.engine_asked not in {"default", "auto", target.engine_used}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Cells that are ok, of those that could be tried."""

    ok: int
    tried: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case and its cells in column order; None where the case was not run."""

    case: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Cases that belong together, with the rate of every column."""

    name: str
    rows: tuple[Row, ...]
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSummary:
    """How one column did over all cases."""

    column: Column
    rate: Rate
    attention: int
    engines_used: tuple[str, ...]
    worst_ok_margin: float | None
    latency_ms: float | None
    """Median over the cases' own medians."""
    outcomes: dict[Outcome, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Neighbouring columns of one release, engine and backend."""

    name: str
    span: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a writer needs."""

    info: RunInfo
    columns: tuple[Column, ...]
    places: tuple[Place, ...]
    families: tuple[Family, ...]
    summaries: tuple[ColumnSummary, ...]
    outcomes: dict[Outcome, int]
    """Only those that occurred, ok first, then worst first."""
    judgements: dict[Judgement, int]
    unjudged: int
    attention: tuple[Cell, ...]
    known: tuple[Cell, ...]
    """Failures that were expected."""
    passing: tuple[Cell, ...]
    cases: int
    reported: int
    repeated: int
    """Records that a later record of the same cell replaced."""

    @property
    def complete(self) -> bool:
        """Whether every planned cell has exactly one record."""
        return self.info.planned == self.reported and not self.info.missing


_WORST_FIRST = (
    Outcome.HARNESS_ERROR,
    Outcome.MISMATCH,
    Outcome.WRONG_SHAPE,
    Outcome.NONDETERMINISTIC,
    Outcome.CRASH,
    Outcome.TIMEOUT,
    Outcome.OUT_OF_MEMORY,
    Outcome.RUNTIME_ERROR,
    Outcome.IMPORT_ERROR,
    Outcome.UNSUPPORTED_OP,
    Outcome.VACUOUS,
    Outcome.NO_REFERENCE,
    Outcome.EXPORT_FAILED,
    Outcome.ROUTE_ABSENT,
    Outcome.OK,
)
"""Silent wrong numbers before loud crashes before polite refusals: by the harm done to who did not look."""

_JUDGED_FIRST = (Judgement.NEW_FAILURE, Judgement.CHANGED_FAILURE, None, Judgement.FIXED, Judgement.AS_EXPECTED)


def build_report(records: Iterable[Record], info: RunInfo) -> Report:
    """Turn records into the view model. Of several records of one cell the last counts, as in a resumed run."""
    everything = list(records)
    cells = _cells(everything)
    columns = _columns(cells, info)
    ranked = sorted(cells, key=_rank)
    families = _families(cells, columns)
    return Report(
        info=info,
        columns=columns,
        places=tuple(
            Place(name=name, span=len(list(found))) for name, found in groupby(columns, lambda column: column.place)
        ),
        families=families,
        summaries=tuple(_summarise(column, [cell for cell in cells if cell.column == column]) for column in columns),
        outcomes=_ordered_counts(cells),
        judgements={judgement: sum(cell.record.judgement is judgement for cell in cells) for judgement in Judgement},
        unjudged=sum(cell.record.judgement is None for cell in cells),
        attention=tuple(cell for cell in ranked if cell.attention),
        known=tuple(cell for cell in ranked if not cell.attention and cell.outcome is not Outcome.OK),
        passing=tuple(cell for cell in cells if not cell.attention and cell.outcome is Outcome.OK),
        cases=sum(len(family.rows) for family in families),
        reported=len(cells),
        repeated=len(everything) - len(cells),
    )


def _cells(records: Sequence[Record]) -> list[Cell]:
    latest: dict[tuple[str, Column], Record] = {}
    for record in records:
        latest[record.case, _column(record)] = record
    return [
        Cell(id=cell_id(case, column), column=column, record=record, attention=_needs_attention(record))
        for (case, column), record in sorted(latest.items(), key=lambda item: item[0])
    ]


def _column(record: Record) -> Column:
    target = record.target
    return Column(opencv=target.opencv, engine=target.engine_asked, backend=target.backend, route=record.route)


def cell_id(case: str, column: Column) -> str:
    """Name a cell so that the name is safe anywhere: a readable part, and a digest that keeps it unique."""
    exact = "\n".join([case, *astuple(column)])
    readable = re.sub(r"[^a-z0-9]+", "-", f"{case} {column.route} {column.opencv} {column.engine}".lower()).strip("-")
    digest = hashlib.blake2s(exact.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"c-{readable[:80]}-{digest}"


def _needs_attention(record: Record) -> bool:
    if record.judgement is None:
        return record.outcome not in {Outcome.OK, Outcome.ROUTE_ABSENT}
    return record.judgement is not Judgement.AS_EXPECTED


def _columns(cells: Sequence[Cell], info: RunInfo) -> tuple[Column, ...]:
    order = {route: index for index, route in enumerate(info.routes)}

    def position(column: Column) -> tuple[Version, str, str, str, int, str]:
        place = order.get(column.route, len(order))
        return (_version(column.opencv), column.opencv, column.engine, column.backend, place, column.route)

    return tuple(sorted({cell.column for cell in cells}, key=position))


def _version(text: str) -> Version:
    """Order releases by PEP 440; what is not one (a path, a command) comes first."""
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0.dev0")


def _rank(cell: Cell) -> tuple[int, int, float, str, Column]:
    # None is "not finite" for what was compared: worse than any number.
    margin = cell.margin if cell.margin is not None else float("inf")
    judged = _JUDGED_FIRST.index(cell.record.judgement)
    return (judged, _WORST_FIRST.index(cell.outcome), -margin, cell.record.case, cell.column)


def _families(cells: Sequence[Cell], columns: tuple[Column, ...]) -> tuple[Family, ...]:
    by_family: dict[str, dict[str, dict[Column, Cell]]] = {}
    for cell in cells:
        rows = by_family.setdefault(_family_name(cell.record), {})
        rows.setdefault(cell.record.case, {})[cell.column] = cell
    return tuple(_family(name, by_family[name], columns) for name in sorted(by_family))


def _family_name(record: Record) -> str:
    return record.family or record.case.rpartition("/")[0] or "models"


def _family(name: str, cases: dict[str, dict[Column, Cell]], columns: tuple[Column, ...]) -> Family:
    rows = tuple(Row(case=case, cells=tuple(cases[case].get(column) for column in columns)) for case in sorted(cases))
    by_column = ([found for row in rows if (found := row.cells[index])] for index in range(len(columns)))
    return Family(name=name, rows=rows, rates=tuple(_rate(cells) for cells in by_column))


def _rate(cells: Sequence[Cell]) -> Rate:
    tried = [cell for cell in cells if cell.outcome is not Outcome.ROUTE_ABSENT]
    return Rate(ok=sum(cell.outcome is Outcome.OK for cell in tried), tried=len(tried))


def _summarise(column: Column, cells: Sequence[Cell]) -> ColumnSummary:
    margins = [cell.margin for cell in cells if cell.outcome is Outcome.OK and cell.margin is not None]
    latencies = [cell.latency_ms for cell in cells if cell.latency_ms is not None]
    return ColumnSummary(
        column=column,
        rate=_rate(cells),
        attention=sum(cell.attention for cell in cells),
        engines_used=tuple(sorted({used for cell in cells if (used := cell.record.target.engine_used)})),
        worst_ok_margin=max(margins, default=None),
        latency_ms=median(latencies) if latencies else None,
        outcomes=_ordered_counts(cells),
    )


def _ordered_counts(cells: Sequence[Cell]) -> dict[Outcome, int]:
    counts = Counter(cell.outcome for cell in cells)
    order = (Outcome.OK, *(outcome for outcome in _WORST_FIRST if outcome is not Outcome.OK))
    return {outcome: counts[outcome] for outcome in order if counts[outcome]}
