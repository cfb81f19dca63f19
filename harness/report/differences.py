"""What another OpenCV changes, for people: one self-contained page, and a Markdown summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.pure.differing import Change, Comparison, Difference
from harness.pure.pace import Pace, Speed
from harness.report import words
from harness.report.changes import CHANGES
from harness.report.fitting import Section, fit
from harness.report.html import environment, style_of
from harness.report.markdown import code, text
from harness.report.words import Tone, Word

_ROWS = 4_000
"""Differences of one kind laid out; the JSON has all."""
_MARKDOWN_ROWS = 200

SPEEDS: dict[Speed, Word] = {
    Speed.SLOWER: CHANGES[Change.SLOWER],
    Speed.FASTER: CHANGES[Change.FASTER],
    Speed.ALIKE: Word(
        symbol="=", tone=Tone.GOOD, meaning="The interval of the ratio lies within the noise.", action="Nothing to do."
    ),
    Speed.CANNOT_TELL: Word(
        symbol="~",
        tone=Tone.ABSENT,
        meaning="The interval reaches beyond the noise on one side only.",
        action="Run it again.",
    ),
}


def by_kind(comparison: Comparison) -> dict[Change, list[Difference]]:
    """Return the differences by kind, worst first; kinds that did not occur are left out."""
    found = {kind: [one for one in comparison.differences if one.change is kind] for kind in Change}
    return {kind: ones for kind, ones in found.items() if ones}


def headline(comparison: Comparison) -> str:
    """Return the answer in one sentence."""
    counts = [f"{len(ones):,} {kind}" for kind, ones in by_kind(comparison).items()]
    told = ", ".join(counts) or "no difference"
    return (
        f"OpenCV {comparison.before} -> {comparison.after}: {told}; {comparison.alike:,} of {comparison.cells:,} alike"
    )


def write_difference_page(comparison: Comparison, command: str) -> str:
    """Return the whole page; no script, no network."""
    return (
        environment()
        .get_template("differences.html.j2")
        .render(
            comparison=comparison,
            kinds=by_kind(comparison),
            headline=headline(comparison),
            command=command,
            words=words,
            changes=CHANGES,
            speeds=SPEEDS,
            rows=_ROWS,
            style=style_of("page.css", "print.css"),
        )
    )


def write_difference_markdown(comparison: Comparison) -> str:
    """Return a summary that GitHub shows, worst first, cut where it would be dropped for its size."""
    return fit(_sections(comparison))


def _sections(comparison: Comparison) -> Iterator[Section]:
    yield "head", [f"## {text(headline(comparison))}", ""]
    for kind, ones in by_kind(comparison).items():
        yield kind, _rows(kind, ones)
    yield "Timed in turns", _paces(comparison.paces)


def _rows(kind: Change, ones: Sequence[Difference]) -> Iterator[str]:
    word = CHANGES[kind]
    yield f"### {word.symbol} {len(ones):,} {kind}"
    yield f"{word.meaning} {word.action}"
    yield ""
    yield "| Cell | What | Tried and works |"
    yield "|---|---|---|"
    for one in ones[:_MARKDOWN_ROWS]:
        yield f"| {code(str(one.cell))} | {text(one.what)} | {text('; '.join(one.advice[:3]))} |"
    if len(ones) > _MARKDOWN_ROWS:
        yield f"\n… and {len(ones) - _MARKDOWN_ROWS:,} more"
    yield ""


def _paces(paces: Sequence[Pace]) -> Iterator[str]:
    if not paces:
        return
    yield f"### Timed in turns: {len(paces):,}"
    yield ""
    yield "| Cell | Before ms | After ms | Ratio | Interval | Noise | |"
    yield "|---|--:|--:|--:|---|--:|---|"
    for one in sorted(paces, key=lambda pace: -pace.ratio)[:_MARKDOWN_ROWS]:
        word = SPEEDS[one.speed]
        yield (
            f"| {code(f'{one.case} [{one.route}]')} | {one.before_ms:.3g} | {one.after_ms:.3g} | {one.ratio:.2f} "
            f"| {one.low:.2f} to {one.high:.2f} | {one.noise:.2f} | {word.symbol} {one.speed} |"
        )
    yield ""
