"""What every kind of difference between two runs means, and what to do about it. Words only."""

from __future__ import annotations

from harness.pure.differing import Change
from harness.report.words import Tone, Word

CHANGES: dict[Change, Word] = {
    Change.BROKEN: Word(
        symbol="✘",
        tone=Tone.WRONG,
        meaning="It worked before and does not now.",
        action="See the layer and what was tried.",
    ),
    Change.IMPORTER_GONE: Word(
        symbol="⊘", tone=Tone.REFUSED, meaning="The importer for this format is gone.", action="Take another route."
    ),
    Change.NUMERICS: Word(
        symbol="≠",
        tone=Tone.WRONG,
        meaning="The same outcome, but the error moved by more than is allowed.",
        action="Look at the error maps of both runs.",
    ),
    Change.CHANGED: Word(
        symbol="⇄",
        tone=Tone.REFUSED,
        meaning="It failed before and fails otherwise now: another outcome, stage or op.",
        action="Update the expectation after looking at it.",
    ),
    Change.PROPERTY: Word(
        symbol="∿",
        tone=Tone.UNPROVEN,
        meaning="A property besides the verdict (repetition, threads, NaN on its way through) changed.",
        action="Matters where your program relies on it.",
    ),
    Change.LAYOUT: Word(
        symbol="⤨",
        tone=Tone.REFUSED,
        meaning="Inputs or outputs are laid out otherwise.",
        action="Change the program that prepares them.",
    ),
    Change.SLOWER: Word(
        symbol="▼",
        tone=Tone.UNPROVEN,
        meaning="Slower by more than the noise of the same run: both were timed in turns.",
        action="Time it on the machine that matters.",
    ),
    Change.MISSING: Word(
        symbol="?", tone=Tone.UNPROVEN, meaning="Run before, not after.", action="Run the same cells on both."
    ),
    Change.FIXED: Word(
        symbol="✔", tone=Tone.GOOD, meaning="It failed before and works now.", action="Delete its expectation."
    ),
    Change.IMPORTER_NEW: Word(
        symbol="✚", tone=Tone.GOOD, meaning="The importer for this format is new.", action="Nothing to do."
    ),
    Change.FASTER: Word(
        symbol="▲", tone=Tone.GOOD, meaning="Faster by more than the noise of the same run.", action="Nothing to do."
    ),
    Change.ADDED: Word(symbol="+", tone=Tone.ABSENT, meaning="Run after, not before.", action="Nothing to do."),
}
