from __future__ import annotations

import itertools
import math
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report import marks
from harness.report.figures import TIMES, milliseconds, times

POSITIVE = st.floats(1e-12, 1e12)


@pytest.mark.parametrize(
    "drawn",
    [
        lambda text: marks.svg(text, 10, [marks.label(0, 0, text, "end", 400, "name")]),
        lambda text: marks.svg("t", 10, [marks.marker(9, 0, 0, text), marks.bar(0, 0, 0, 0, text)]),
    ],
    ids=["texts", "titles"],
)
def test_hostile_text_stays_text(samples, drawn):
    written = str(drawn(samples.hostile))
    tree = ET.fromstring(written)
    assert {node.tag for node in tree.iter()} <= {"svg", "text", "path", "rect", "title"}
    assert "<script>alert('x')</script>" in "".join(tree.itertext()) + tree.get("aria-label", "")
    written.encode("utf-8")


@given(st.lists(POSITIVE, min_size=1, max_size=20))
def test_a_logarithmic_axis_holds_all_values_in_their_order(values: list[float]):
    axis = marks.LogAxis.over(values, 100, 700)
    places = [axis.x(value) for value in sorted(values)]
    assert places == sorted(places)
    assert 100 <= places[0] <= places[-1] <= 700
    assert axis.high - axis.low <= marks.MOST_DECADES


def test_a_logarithmic_axis_puts_what_it_cannot_show_at_its_ends():
    axis = marks.LogAxis.over([1.0, 1e30], 0, 100)
    assert axis.x(1e30) == 100
    assert axis.x(0.0) == 0


def test_powers_are_written_as_the_unit_writes_them_until_they_are_no_numbers_to_read():
    axis = marks.LogAxis.over([1e-3, 1e6], 0, 100)
    assert f"10⁻³{TIMES}" in axis.grid(10, times)
    assert f"10⁵{TIMES}" in axis.grid(10, times) + marks.LogAxis.over([1e5, 1e6], 0, 1).grid(10, times)
    assert "1.0 µs" in axis.grid(10, milliseconds)


@given(st.lists(st.floats(0, 276), min_size=1, max_size=8))
def test_names_at_the_ends_of_lines_do_not_cover_each_other(heights: list[float]):
    placed = marks.apart([(y, number, str(number)) for number, y in enumerate(heights)])
    ordered = sorted(y for y, _, _ in placed)
    assert sorted(number for _, number, _ in placed) == list(range(len(heights)))
    assert ordered[0] >= 0
    assert all(after - before >= 15 - 1e-9 for before, after in itertools.pairwise(ordered))


@given(POSITIVE)
def test_the_next_round_number_is_no_smaller_and_at_most_twice_as_large(value: float):
    assert value <= marks.round_above(value) <= 2.0001 * value


def test_gaps_lift_the_pen():
    assert marks.polyline([(0, 1), None, (2, 3), (4, 5)]) == "M0.0,1.0M2.0,3.0L4.0,5.0"
    assert marks.polyline([None, None]) == ""


def test_series_beyond_the_last_colour_begin_anew():
    assert marks.marker(0, 1, 1, "a") == marks.marker(marks.SERIES, 1, 1, "a")
    assert not math.isnan(marks.LogAxis.over([5.0], 0, 1).x(5.0))
