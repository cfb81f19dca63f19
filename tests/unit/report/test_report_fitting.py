from __future__ import annotations

import pytest

from harness.report.fitting import fit

TABLE = ["## Title", "", "| a | b |", "|---|---|", *(f"| {number:03} | ü |" for number in range(100)), ""]


def test_what_fits_is_whole():
    assert fit([("one", ["a", ""]), ("two", TABLE)]) == "\n".join(["a", "", *TABLE]) + "\n"


@pytest.mark.parametrize("limit", range(420, 2_200, 60))
def test_a_cut_is_between_rows_and_says_how_many_are_left(limit):
    text = fit([("head", ["# Head", ""]), ("cells", TABLE), ("end", ["last"])], limit)
    assert len(text.encode()) <= limit
    if "Cut to stay" not in text:
        return
    lines = text.splitlines()
    rows = [line for line in lines if line.startswith("| 0")]
    assert ("| a | b |" in lines) == bool(rows)
    left = f"{'' if rows else 'all '}{100 - len(rows)} rows of “cells”; " if len(rows) < 100 else ""
    assert lines[-1] == (f"**Cut to stay within {limit:,} bytes:** {left}all 1 line of “end”. The records have all.")


def test_a_section_of_no_lines_was_not_cut():
    assert "empty" not in fit([("cells", TABLE), ("empty", []), ("end", ["last"])], 600)


def test_of_many_sections_some_are_named_and_the_others_counted():
    text = fit([("cells", TABLE), *((f"section {number}", ["x"]) for number in range(30))], 900)
    assert len(text.encode()) <= 900
    assert "all 1 line of “section 3”; and 26 sections more." in text
