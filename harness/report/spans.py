"""Cells of neighbouring releases that answer alike, joined into spans: what the matrix shows in one field. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.records import CPU, Outcome
from harness.report.model import Cell, Column, Family, Rate, Report
from harness.report.tabulate import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A route on an engine and a device, over all releases on which it was run, oldest first."""

    route: str
    engine: str
    backend: str
    columns: tuple[Column, ...]

    @property
    def name(self) -> str:
        """The route, with engine and device where they are not the usual ones."""
        engine = "" if self.engine == "default" else f" {self.engine}"
        return f"{self.route}{engine}{'' if self.backend == CPU else f' on {self.backend}'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One case by one way, over releases in a row that answer alike."""

    id: str
    """Anchor: safe in HTML and URLs, the same for the same first cell in every report."""
    way: Way
    first: int
    """Place of its oldest release among the way's."""
    cells: tuple[Cell, ...]
    """Oldest release first; never empty."""

    @property
    def cell(self) -> Cell:
        """The newest of its cells, which speaks for all."""
        return self.cells[-1]

    @property
    def outcome(self) -> Outcome:
        """The verdict that all of them share."""
        return self.cell.outcome

    @property
    def attention(self) -> bool:
        """Whether its cells need attention: all or none."""
        return self.cell.attention

    @property
    def releases(self) -> str:
        """Its releases in words."""
        oldest, newest = self.cells[0].column.opencv, self.cell.column.opencv
        return newest if len(self.cells) == 1 else f"{oldest} to {newest}"

    @property
    def margin(self) -> float | None:
        """The largest margin; None where one is not finite, or nothing was compared."""
        found = [cell.margin for cell in self.cells if cell.record.parity]
        known = [margin for margin in found if margin is not None]
        return max(known) if known and len(known) == len(found) else None

    @property
    def latency_ms(self) -> float | None:
        """Median forward time on the newest release."""
        return self.cell.latency_ms

    @property
    def messages(self) -> tuple[tuple[str, str], ...]:
        """Releases -> message, where messages differ; one pair where they do not."""
        groups = groupby(self.cells, key=lambda cell: cell.record.message or "")
        told = [(message, list(found)) for message, found in groups if message]
        return tuple((_named(found), message) for message, found in reversed(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Releases in a row on which a case was not run."""

    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One case: a row of the matrix, and a model page."""

    id: str
    case: str
    ways: tuple[tuple[Span | Gap, ...], ...]
    """By way, what its releases answer, oldest first."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """All that was run."""
        return tuple(part for parts in self.ways for part in parts if isinstance(part, Span))

    @property
    def ops(self) -> tuple[str, ...]:
        """Operations of its exported graphs, over all ways."""
        return tuple(sorted({op for span in self.spans for op in span.cell.record.ops}))


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyLines:
    """Cases that belong together."""

    name: str
    lines: tuple[Line, ...]
    rates: tuple[Rate, ...]
    """By way, on its newest release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """All cases and all ways."""

    ways: tuple[Way, ...]
    releases: tuple[str, ...]
    """Of all ways, oldest first."""
    families: tuple[FamilyLines, ...]

    @property
    def width(self) -> int:
        """Columns of the table, that of the cases not counted."""
        return sum(len(way.columns) for way in self.ways)

    @property
    def lines(self) -> Iterator[Line]:
        """Yield every case."""
        return (line for family in self.families for line in family.lines)

    @property
    def spans(self) -> Iterator[Span]:
        """Yield every span."""
        return (span for line in self.lines for span in line.spans)


def build_matrix(report: Report) -> Matrix:
    """Join what neighbouring releases answer alike; ways come in the order of the run's routes."""
    ways = _ways(report.columns, list(report.info.routes))
    place = {column: index for index, column in enumerate(report.columns)}
    return Matrix(
        ways=ways,
        releases=tuple(dict.fromkeys(column.opencv for column in report.columns)),
        families=tuple(_family(family, ways, place) for family in report.families),
    )


def _ways(columns: Iterable[Column], order: Sequence[str]) -> tuple[Way, ...]:
    found: dict[tuple[str, str, str], list[Column]] = {}
    for column in columns:
        found.setdefault((column.route, column.engine, column.backend), []).append(column)
    ways = [
        Way(route=route, engine=engine, backend=backend, columns=tuple(own))
        for (route, engine, backend), own in found.items()
    ]
    known = {route: index for index, route in enumerate(order)}
    return tuple(
        sorted(
            ways,
            key=lambda way: (
                known.get(way.route, len(known)),
                way.route,
                way.engine != "default",
                way.engine,
                way.backend != CPU,
                way.backend,
            ),
        )
    )


def _family(family: Family, ways: Sequence[Way], place: dict[Column, int]) -> FamilyLines:
    return FamilyLines(
        name=family.name,
        rates=tuple(family.rates[place[way.columns[-1]]] for way in ways),
        lines=tuple(
            Line(
                id=_line_id(row.case),
                case=row.case,
                ways=tuple(tuple(_parts(way, [row.cells[place[column]] for column in way.columns])) for way in ways),
            )
            for row in family.rows
        ),
    )


def _parts(way: Way, cells: Sequence[Cell | None]) -> Iterator[Span | Gap]:
    for _, group in groupby(enumerate(cells), key=lambda pair: _answer(pair[1])):
        members = list(group)
        found = tuple(cell for _, cell in members if cell is not None)
        if found:
            yield Span(id=found[0].id, way=way, first=members[0][0], cells=found)
        else:
            yield Gap(width=len(members))


def _answer(cell: Cell | None) -> tuple[object, ...] | None:
    if cell is None:
        return None
    record = cell.record
    blame = () if record.outcome is Outcome.OK else (record.stage, record.op, record.layer, record.signal)
    return (record.outcome, record.judgement, cell.attention, *blame)


def _named(cells: Sequence[Cell]) -> str:
    oldest, newest = cells[0].column.opencv, cells[-1].column.opencv
    return newest if len(cells) == 1 else f"{oldest} to {newest}"


def _line_id(case: str) -> str:
    readable = re.sub(r"[^a-z0-9]+", "-", case.lower()).strip("-")
    return f"m-{readable[:48]}-{digest(case)[:6]}"
