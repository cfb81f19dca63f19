from __future__ import annotations

import pytest

from harness.report.figures import difference, duration, milliseconds, share, significant, times

_X = "\N{MULTIPLICATION SIGN}"


@pytest.mark.parametrize(
    ("margin", "shown"),
    [(0.0, "0"), (0.004, "<0.01"), (0.26, "0.26"), (1, "1.0"), (9.96, "10"), (15234, "15,234"), (2e9, "2e9")],
)
def test_times(margin: float, shown: str):
    assert times(margin) == f"{shown}{_X}"


def test_what_is_not_finite_is_said():
    assert times(None) == "not finite"
    assert difference(None) == "not finite"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "\N{EN DASH}"), (0.024, "24 µs"), (0.53, "0.53 ms"), (1234, "1,234 ms"), (12000, "12 s")],
)
def test_milliseconds(value: float | None, shown: str):
    assert milliseconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.0123, "0.012"), (0.997, "1.0"), (9.94, "9.9"), (-3.21, "-3.2"), (1e6, "1,000,000")],
)
def test_significant(value: float, shown: str):
    assert significant(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.5, "0.50 s"), (48, "48 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_duration(seconds: float, shown: str):
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 0, "\N{EN DASH}"),
        (0, 9, "0 %"),
        (9, 9, "100 %"),
        (9999, 10000, "99.9 %"),
        (1, 9999, "0.1 %"),
        (1, 3, "33 %"),
    ],
)
def test_share_says_all_and_none_only_when_exact(part: int, whole: int, shown: str):
    assert share(part, whole) == shown
