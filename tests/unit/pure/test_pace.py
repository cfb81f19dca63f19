from __future__ import annotations

import random
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pure.pace import Pace, Speed, interval, pace


def timed(before, after) -> Pace:
    return pace("nets/a", "onnx", "default", before, after)


def noisy(median, spread, count=15, seed=1):
    draw = random.Random(seed)
    return [median * draw.uniform(1 - spread, 1 + spread) for _ in range(count)]


@pytest.mark.parametrize(
    ("ratio", "spread", "speed"),
    [
        (1.5, 0.02, Speed.SLOWER),
        (0.6, 0.02, Speed.FASTER),
        (1.0, 0.005, Speed.ALIKE),
        (1.02, 0.001, Speed.ALIKE),
        (1.03, 0.3, Speed.CANNOT_TELL),
        (1.15, 0.1, Speed.CANNOT_TELL),
    ],
)
def test_the_opinion_follows_from_the_interval_and_the_noise(ratio, spread, speed):
    found = timed(noisy(1.0, spread, seed=3), noisy(ratio, spread, seed=4))
    assert found.speed is speed, found


def test_what_slows_the_machine_slows_both_and_counts_for_nothing():
    drift = [1 + 0.02 * number for number in range(15)]
    found = timed([2.0 * step for step in drift], [3.0 * step for step in drift])
    assert (found.speed, found.ratio, found.low, found.high) == (Speed.SLOWER, 1.5, 1.5, 1.5)


def test_one_round_that_was_disturbed_changes_nothing():
    before, after = noisy(1.0, 0.01, seed=5), noisy(1.0, 0.01, seed=6)
    after[7] = 40.0
    assert timed(before, after).speed is Speed.ALIKE


@given(st.integers(6, 40))
def test_the_interval_holds_the_median_as_often_as_it_says_and_no_narrower_one_does(count):
    """Binomial tail: the median lies outside of (k, n - 1 - k) with probability 2 * P(at most k of n below it)."""
    low, _ = interval(list(range(count)))

    def outside(rank):
        return 2 * sum(comb(count, below) for below in range(rank + 1)) / 2**count

    assert outside(int(low)) <= 0.05 < outside(int(low) + 1)


def test_too_few_rounds_give_nointerval():
    with pytest.raises(ValueError, match="5 rounds give no interval at 95%; time six at least"):
        timed([1.0] * 5, [1.0] * 5)


def test_a_pace_reads_as_one_phrase():
    assert str(timed([2.0] * 15, [3.0] * 15)) == "2 -> 3 ms: x 1.50 (1.50 to 1.50), the noise is x 1.00"
