"""The Markdown report: a summary for a GitHub step, which drops anything over 1 MiB as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from harness.records import Judgement, Outcome, Record
from harness.report import figures
from harness.report.fitting import LIMIT_BYTES, Section, fit
from harness.report.model import Cell, Column, ColumnSummary, Rate, Report, RunInfo
from harness.report.plaintext import one_line, visible
from harness.report.tabulate import build_report
from harness.report.words import JUDGEMENTS, OUTCOMES, UNJUDGED

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$@:<>&-])")


def write_markdown(records: Iterable[Record], info: RunInfo, *, limit_bytes: int = LIMIT_BYTES) -> str:
    """Return the summary, worst first, cut between rows so that its UTF-8 form stays within `limit_bytes`."""
    return fit(_sections(build_report(records, info)), limit_bytes)


def _sections(report: Report) -> Iterator[Section]:
    """Yield each section's name and lines."""
    yield "head", [f"# {text(report.info.title)}", ""]
    yield "missing cells", _alarm(report)
    yield "what was not run", _unavailable(report)
    yield "counts", chain(_counts(report), _properties(report))
    yield "Needs attention", _failures("Needs attention, worst first", report.attention)
    yield "Ways into OpenCV", _ways([way for place in report.places for way in place.ways])
    yield "Rates by kind and family", _rates(report)
    yield "Known failures", _failures("Known failures, as expected", report.known)
    yield "Matrix", _matrix(report)
    yield "What ran", _run(report)


def _alarm(report: Report) -> Iterator[str]:
    if report.complete and not report.info.interrupted:
        return
    yield "> [!CAUTION]"
    yield f"> **{report.info.planned:,} cells were planned, {report.reported:,} have a record.**"
    yield "> The run was interrupted." if report.info.interrupted else "> Nothing below speaks for the others."
    yield from (f"> - {code(name)}" for name in report.info.missing[:50])
    yield ""


def _unavailable(report: Report) -> Iterator[str]:
    for name, why in report.info.unavailable.items():
        yield f"> **Not run: OpenCV {code(name)}** {code(why[:400])}"
        yield ""


def _counts(report: Report) -> Iterator[str]:
    attention = f"**{len(report.attention):,} of {report.reported:,} cells need attention.**"
    judged = [f"{JUDGEMENTS[word].symbol} {report.judgements[word]:,} {word}" for word in Judgement]
    yield f"{attention} {', '.join(judged)}, {UNJUDGED.symbol} {report.unjudged:,} not judged."
    yield ""
    yield from _table(
        ("Outcome", "Cells", "Share"),
        (
            (f"{OUTCOMES[outcome].symbol} {outcome}", f"{count:,}", figures.share(count, report.reported))
            for outcome, count in report.outcomes.items()
        ),
    )


def _properties(report: Report) -> Iterator[str]:
    if report.broken:
        names = ", ".join(f"{code(name)} {count:,}" for name, count in report.broken.items())
        yield f"**{report.unsteady:,} cells have a property that does not hold**, whatever their outcome: {names}."
        yield ""


def _failures(title: str, cells: Sequence[Cell]) -> Iterator[str]:
    if not cells:
        return
    yield f"## {title}"
    yield ""
    head = ("Judgement", "Outcome", "Case", "Route", "Release / engine", "To blame", "Margin", "Message", "Reproduce")
    yield from _table(head, (_failure(cell) for cell in cells))


def _failure(cell: Cell) -> tuple[str, ...]:
    record = cell.record
    return (
        record.judgement or "not judged",
        f"{OUTCOMES[cell.outcome].symbol} {cell.outcome}",
        code(record.case),
        code(cell.column.route),
        text(cell.column.place),
        code(cell.blame),
        figures.times(cell.margin) if record.parity else figures.NONE,
        text(cell.summary),
        code(record.reproduce, 1000),
    )


def _ways(summaries: Sequence[ColumnSummary]) -> Iterator[str]:
    if not summaries:
        return
    yield "## Ways into OpenCV"
    yield ""
    head = ("Release / engine", "Route", "Ok / tried", "Share", "Attention", "Largest ok margin", "Median latency")
    yield from _table(head, (_way(summary) for summary in summaries))


def _way(summary: ColumnSummary) -> tuple[str, ...]:
    margin = summary.worst_ok_margin
    return (
        text(summary.column.place),
        code(summary.column.route),
        f"{summary.rate.ok} / {summary.rate.tried}",
        figures.share(summary.rate.ok, summary.rate.tried),
        str(summary.attention or figures.NONE),
        figures.NONE if margin is None else figures.times(margin),
        figures.milliseconds(summary.latency_ms),
    )


def _rates(report: Report) -> Iterator[str]:
    if not report.rates:
        return
    yield "## Rates by kind and family"
    yield ""
    yield "Cells that load and match, of those tried; *best*: cases that some route serves."
    yield ""
    heads, order = _rate_order(report)
    for row in report.rates:
        if row.is_kind:
            yield ""
            yield from _table_head((f"{text(row.name)}", *heads))
        rates = [*row.rates, *row.best]
        yield f"| {' | '.join((text(row.name), *(_of(rates[index]) for index in order)))} |"
    yield ""


def _rate_order(report: Report) -> tuple[list[str], list[int]]:
    """Return the column heads, each place's best behind its routes, and where in a row's rates their numbers are."""
    heads, order = [], []
    for number, place in enumerate(report.places):
        for way in place.ways:
            heads.append(_column_head(way.column))
            order.append(report.columns.index(way.column))
        heads.append(f"*best*<br>{text(place.name.removeprefix('OpenCV '))}")
        order.append(len(report.columns) + number)
    return heads, order


def _of(rate: Rate) -> str:
    return f"{rate.ok}/{rate.tried}" if rate.tried else "·"


def _matrix(report: Report) -> Iterator[str]:
    if not report.families:
        return
    yield "## Matrix"
    yield ""
    yield "Symbols as in the table of outcomes above; bold needs attention; `·` was not run."
    yield ""
    rows = (row for family in report.families for row in family.rows)
    head = ("Case", *(_column_head(column) for column in report.columns))
    yield from _table(head, ((code(row.case), *map(_mark, row.cells)) for row in rows))


def _column_head(column: Column) -> str:
    return f"{code(column.route)}<br>{text(column.place.removeprefix('OpenCV '))}"


def _mark(cell: Cell | None) -> str:
    if cell is None:
        return "·"
    symbol = OUTCOMES[cell.outcome].symbol
    shown = symbol if cell.outcome is Outcome.OK else f"{symbol} {cell.outcome}"
    return f"**{shown}**" if cell.attention else shown


def _run(report: Report) -> Iterator[str]:
    info = report.info
    yield "## What ran"
    yield ""
    yield f"- Command: {code(info.command, 1000)}"
    yield f"- Started {text(info.started)}, took {figures.duration(info.seconds)}, on {text(info.host)}"
    yield f"- Cells: {info.planned:,} planned, {report.reported:,} reported"
    yield f"- Versions: {', '.join(f'{text(name)} {text(version)}' for name, version in info.versions.items())}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield from _table_head(head)
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def _table_head(head: Sequence[str]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"


def text(value: str, limit: int = 300) -> str:
    """Return text as Markdown that shows exactly these characters: no markup, link, mention or column break."""
    return _SPECIAL.sub(r"\\\1", one_line(value, limit)) or figures.NONE


def code(value: str, limit: int = 300) -> str:
    """Return text as a code span that is safe in a table cell; GitHub splits cells at pipes even inside code."""
    flat = " ".join(visible(value).split())
    if not flat:
        return figures.NONE
    cut = flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", cut)), default=0))
    pad = " " if cut.startswith("`") or cut.endswith("`") else ""
    return f"{fence}{pad}{cut}{pad}{fence}".replace("|", r"\|")
