"""The view model: everything a report shows, as plain values that `tabulate.py` fills. No formatting."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.detection import Detection
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
    unavailable: dict[str, str] = field(default_factory=dict)
    """OpenCV that was asked for -> why it could not be run on."""
    detection: Detection | None = None
    """The self-test whose figures lie in the run's directory."""


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
    def broken(self) -> tuple[str, ...]:
        """Names of the properties that do not hold."""
        return tuple(found.name for found in self.record.properties if not found.held)

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
class RateRow:
    """How a kind of cases (`layers`), or one family of it, did in every column, and in every place by its best way."""

    name: str
    is_kind: bool
    rates: tuple[Rate, ...]
    """In column order."""
    best: tuple[Rate, ...]
    """In the order of places: cases that are ok by one route at least."""


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
    ways: tuple[ColumnSummary, ...]

    def way(self, route: str) -> ColumnSummary | None:
        """Return the summary of one route here; None where it was not run."""
        return next((way for way in self.ways if way.column.route == route), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a writer needs."""

    info: RunInfo
    columns: tuple[Column, ...]
    places: tuple[Place, ...]
    families: tuple[Family, ...]
    rates: tuple[RateRow, ...]
    """Each kind of cases, followed by its families."""
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
    broken: dict[str, int]
    """Property -> cells in which it does not hold; only those that are broken somewhere."""
    unsteady: int
    """Cells with a broken property, whatever their outcome."""
    repeated: int
    """Records that a later record of the same cell replaced."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell, by family and case, in column order."""
        return tuple(cell for family in self.families for row in family.rows for cell in row.cells if cell)

    @property
    def kinds(self) -> tuple[RateRow, ...]:
        """The rates of each kind of cases, its families left out."""
        return tuple(row for row in self.rates if row.is_kind)

    def served(self, place: Place) -> Rate:
        """Return how many cases of all kinds one route at least serves in a place."""
        rates = [row.best[self.places.index(place)] for row in self.kinds]
        return Rate(ok=sum(rate.ok for rate in rates), tried=sum(rate.tried for rate in rates))

    @property
    def routes(self) -> tuple[str, ...]:
        """Every route that was run, in column order."""
        return tuple(dict.fromkeys(column.route for column in self.columns))

    @property
    def complete(self) -> bool:
        """Whether every planned cell has exactly one record."""
        return self.info.planned == self.reported and not self.info.missing
