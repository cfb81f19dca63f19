from __future__ import annotations

import pytest

from harness.records import Judgement, Outcome
from harness.report.words import COLUMNS, JUDGEMENTS, OUTCOMES, PAGE, SHADES, Tone


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` as WCAG 2.2 defines it."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_symbol_text_colour_and_advice(outcome: Outcome):
    word = OUTCOMES[outcome]
    assert len(word.symbol) == 1
    assert word.meaning.endswith(".")
    assert word.action.endswith(".")
    assert word.tone in SHADES


def test_symbols_tell_outcomes_apart_without_colour():
    assert len({word.symbol for word in OUTCOMES.values()}) == len(Outcome)


def test_only_ok_looks_good():
    assert [outcome for outcome, word in OUTCOMES.items() if word.tone is Tone.GOOD] == [Outcome.OK]


@pytest.mark.parametrize("judgement", Judgement)
def test_every_judgement_has_words(judgement: Judgement):
    assert JUDGEMENTS[judgement].meaning
    assert JUDGEMENTS[judgement].symbol


@pytest.mark.parametrize("tone", Tone)
def test_text_can_be_read_in_light_and_dark(tone: Tone):
    assert contrast(SHADES[tone].light, PAGE.light) >= 4.5
    assert contrast(SHADES[tone].dark, PAGE.dark) >= 4.5


def test_columns_are_sentences():
    assert all(text.endswith(".") for text in COLUMNS.values())
