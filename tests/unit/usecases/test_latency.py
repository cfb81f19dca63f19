from __future__ import annotations

import pytest

from harness.usecases.latency import rounds_timing


def test_the_median_and_its_interval_are_those_of_the_rounds():
    """A hundred passes of a minute are no hundred minutes: what a round is off by, all its passes are."""
    rounds = [[base + step / 1000 for step in range(100)] for base in (1.0, 1.1, 1.2, 1.3, 1.4, 1.5)]
    found = rounds_timing(rounds)
    assert found.n == 600
    assert found.median == pytest.approx(1.2995, abs=1e-3)
    assert (found.low, found.high) == (pytest.approx(1.0495, abs=1e-3), pytest.approx(1.5495, abs=1e-3))
    assert (found.min, found.p95) == (1.0, pytest.approx(1.569, abs=2e-3))


def test_fewer_than_six_rounds_have_no_interval():
    found = rounds_timing([[2.0, 3.0, 4.0]] * 5)
    assert (found.median, found.low, found.high, found.n) == (3.0, None, None, 15)
