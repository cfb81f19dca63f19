from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from harness.report.plaintext import bounded, one_line, visible


def test_control_characters_become_visible():
    assert visible("a\x1b[31mb\x00") == "a\\x1b[31mb\\x00"
    assert visible("a\u202eb\ud800") == "a\\u202eb\\ud800"


def test_ordinary_text_is_left_alone():
    assert visible("größer ≠ 1\n\tok") == "größer ≠ 1\n\tok"


def test_carriage_returns_of_progress_bars_become_lines():
    assert visible("10 %\r20 %\r\ndone") == "10 %\n20 %\ndone"


@given(st.text(st.characters()))
def test_nothing_invisible_is_left(text: str):
    shown = visible(text)
    shown.encode("utf-8")
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c not in "\n\t"]


def test_bounded_keeps_both_ends_and_says_how_much_is_missing():
    text = bounded("A" * 50 + "B" * 900 + "C" * 50, 90)
    assert text.startswith("AAA")
    assert text.endswith("CCC")
    assert "910 characters left out" in text
    assert bounded("short", 90) == "short"


def test_one_line_is_the_first_that_says_something():
    assert one_line("\n \n first \nsecond", 80) == "first"
    assert one_line("x" * 100, 10) == "x" * 9 + "…"
    assert one_line("", 10) == ""
