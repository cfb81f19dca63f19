"""The report as plain text, for a terminal or a pager: aligned columns, a line for each cell that fails, no colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len

from harness.records import Judgement, Outcome, Record
from harness.report import figures
from harness.report.model import Cell, ColumnSummary, Report, RunInfo
from harness.report.plaintext import one_line
from harness.report.tabulate import build_report
from harness.report.words import OUTCOMES

_MESSAGE = 120
"""Columns of the last column: beyond, a terminal folds lines into a wall."""


def write_text(records: Iterable[Record], info: RunInfo) -> str:
    """Return counts, rates of every way, and every cell that fails, worst first."""
    return "\n".join(_lines(build_report(records, info))) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield one_line(report.info.title, 200)
    yield from _completeness(report)
    yield from _counts(report)
    yield from _ways([way for place in report.places for way in place.ways])
    yield from _served(report)
    yield from _cells("Needs attention, worst first", report.attention)
    yield from _cells("Known failures, as expected", report.known)


def _completeness(report: Report) -> Iterator[str]:
    yield f"{report.reported:,} of {report.info.planned:,} planned cells reported, {report.cases:,} cases"
    if report.info.interrupted:
        yield "the run was interrupted; the same command resumes"
    for name, why in report.info.unavailable.items():
        yield f"not run: OpenCV {one_line(name, 100)}: {one_line(why, 300)}"


def _counts(report: Report) -> Iterator[str]:
    for outcome, count in report.outcomes.items():
        yield f"  {count:7,} {OUTCOMES[outcome].symbol} {outcome} ({figures.share(count, report.reported)})"
    judged = [f"{report.judgements[word]:,} {word}" for word in Judgement if report.judgements[word]]
    unjudged = [f"{report.unjudged:,} not judged"] if report.unjudged else []
    yield f"{len(report.attention):,} need attention: {', '.join([*judged, *unjudged]) or 'nothing was run'}"
    if report.broken:
        names = ", ".join(f"{one_line(name, 60)} {count:,}" for name, count in report.broken.items())
        yield f"{report.unsteady:,} have a property that does not hold: {names}"


def _ways(ways: Sequence[ColumnSummary]) -> Iterator[str]:
    head = ("OpenCV", "route", "ok", "of", "share", "attention", "largest ok margin", "median forward")
    yield from _table("Ways into OpenCV", head, [_way(way) for way in ways])


def _way(way: ColumnSummary) -> tuple[str, ...]:
    margin = way.worst_ok_margin
    return (
        way.column.place.removeprefix("OpenCV "),
        way.column.route,
        f"{way.rate.ok:,}",
        f"{way.rate.tried:,}",
        figures.share(way.rate.ok, way.rate.tried),
        f"{way.attention:,}",
        figures.NONE if margin is None else figures.times(margin),
        figures.milliseconds(way.latency_ms),
    )


def _served(report: Report) -> Iterator[str]:
    rates = [[*(row.best[at] for row in report.kinds), report.served(place)] for at, place in enumerate(report.places)]
    rows = [
        (place.name.removeprefix("OpenCV "), *(f"{rate.ok:,} of {rate.tried:,}" for rate in found))
        for place, found in zip(report.places, rates, strict=True)
    ]
    head = ("OpenCV", *(one_line(row.name, 60) for row in report.kinds), "all")
    yield from _table("Cases that one route at least serves", head, rows)


def _cells(title: str, cells: Sequence[Cell]) -> Iterator[str]:
    head = ("outcome", "case", "route", "OpenCV", "to blame", "margin", "message")
    yield from _table(f"{title}: {len(cells):,}", head, [_cell(cell) for cell in cells])


def _cell(cell: Cell) -> tuple[str, ...]:
    fixed = cell.outcome is Outcome.OK and cell.record.judgement is Judgement.FIXED
    return (
        f"{OUTCOMES[cell.outcome].symbol} {cell.outcome}",
        cell.record.case,
        cell.column.route,
        cell.column.place.removeprefix("OpenCV "),
        cell.blame or figures.NONE,
        figures.times(cell.margin) if cell.record.parity else figures.NONE,
        one_line("fixed: delete its expectation" if fixed else cell.summary, _MESSAGE),
    )


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a titled table of aligned columns; nothing where it has no rows."""
    if not rows:
        return
    lines = [head, *([one_line(word, 200) for word in row] for row in rows)]
    widths = [max(cell_len(line[place]) for line in lines) for place in range(len(head))]
    yield ""
    yield title
    for line in lines:
        yield "  ".join(
            word + " " * (width - cell_len(word)) for word, width in zip(line, widths, strict=True)
        ).rstrip()
