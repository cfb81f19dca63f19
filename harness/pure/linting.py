"""What is wrong with expectations as they are written, whatever a run says of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from harness.pure.expectations import Expectation, Expectations, corners, holds
from harness.records import CellId

_BEFORE_ALL, _AFTER_ALL = "0", "99999"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One entry that should not stay as it is."""

    kind: str
    """`stale-entry`, `shadowed`, `too-wide` or `ended`."""
    entry: Expectation
    what: str
    """What is wrong and what to do."""

    def __str__(self) -> str:
        """Return it as one line that begins with the place."""
        entry = self.entry
        name = f"{entry.case} [{entry.route}, OpenCV {entry.opencv}]"
        return f"{entry.where + ': ' if entry.where else ''}{self.kind}: {name}: {self.what}"


def lint(book: Expectations, *, cases: Collection[str], routes: Collection[str], today: date) -> tuple[Finding, ...]:
    """Return every finding, in the order of the entries."""
    stale = {id(entry) for entry in book.stale(cases, routes)}
    return tuple(
        found
        for entry in book.entries
        for found in (
            *_stale(entry, is_stale=id(entry) in stale),
            *_shadowed(entry, book),
            *_too_wide(entry),
            *_ended(entry, today),
        )
    )


def _stale(entry: Expectation, *, is_stale: bool) -> Iterator[Finding]:
    if is_stale:
        yield Finding(kind="stale-entry", entry=entry, what="no such case or route; delete it")


def _shadowed(entry: Expectation, book: Expectations) -> Iterator[Finding]:
    """Yield a finding for a claim that changes nothing: about no release (`>=5,<4.9`), or what a pattern says too."""
    spoken_of = [release for release in corners(entry.opencv) if holds(entry.opencv, release)]
    if not spoken_of:
        yield Finding(kind="shadowed", entry=entry, what="no release is in its set; correct it or delete it")
        return
    if entry.is_pattern:
        return
    cells = [CellId(case=entry.case, route=entry.route, opencv=one, engine=entry.engine) for one in spoken_of]
    patterns = [book.patterns_of(cell) for cell in cells]
    if all(any(_same(entry, other) for other in found) for found in patterns):
        other = patterns[0][0]
        yield Finding(kind="shadowed", entry=entry, what=f"{other.where or 'a pattern'} says the same; delete it")


def _same(one: Expectation, other: Expectation) -> bool:
    return (one.outcome, one.stage, one.op) == (other.outcome, other.stage, other.op)


def _too_wide(entry: Expectation) -> Iterator[Finding]:
    """Nobody has run a release that is not out yet."""
    if holds(entry.opencv, _AFTER_ALL):
        yield Finding(
            kind="too-wide", entry=entry, what="it speaks of releases to come; end its set with the last that was run"
        )
    elif holds(entry.opencv, _BEFORE_ALL):
        yield Finding(
            kind="too-wide",
            entry=entry,
            what="it speaks of every old release; begin its set with the first that was run",
        )


def _ended(entry: Expectation, today: date) -> Iterator[Finding]:
    if entry.until is not None and entry.until < today:
        yield Finding(kind="ended", entry=entry, what=f"its quarantine ended on {entry.until}; judge anew or delete it")
