from __future__ import annotations

import numpy as np
import pytest

from harness.pure import equivalence
from harness.pure.equivalence import measure, reason
from harness.pure.tolerance import Reference

ONE = np.array([1.0, -2.0], np.float32)
PLANS = ["first", "second"]
ROUNDING = [[1e-6], [1e-6]]


def effect(change: float, second: np.ndarray = ONE):
    return measure(PLANS, [(ONE,), (second,)], [(ONE,), (second + np.float32(change),)], ROUNDING)


def test_the_same_bits_are_no_effect():
    found = effect(0.0)
    assert (found.same_bits, found.is_none, found.times) == (True, True, 0.0)


def test_the_largest_change_is_named_with_its_input():
    found = effect(0.5)
    assert (found.change, found.plan, found.is_none) == (0.5, "second", False)
    assert found.times == pytest.approx(5e5)


def test_a_change_within_rounding_is_none_but_not_the_same_bits():
    found = effect(5e-7)
    assert found.is_none
    assert not found.same_bits


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_nan_meets_nan_and_infinity_its_like(odd):
    strange = np.array([odd, 1], np.float32)
    assert effect(0.0, strange).is_none
    assert measure(["x"], [(strange,)], [(ONE,)], [[1.0]]).change == np.inf


def test_another_shape_or_no_output_at_all_is_an_unlimited_effect():
    assert measure(["x"], [(ONE,)], [(ONE[:1],)], [[1.0]]).change == np.inf
    missing = measure(PLANS, [(ONE,), (ONE,)], [(ONE,)], ROUNDING)
    assert (missing.change, missing.plan) == (np.inf, "second")


def reference(noise: float) -> Reference:
    return Reference(name="y", float32=ONE, best=ONE.astype(np.float64), noise=noise, why="")


def test_rounding_is_that_of_both_sides():
    """TensorFlow's own error, or 4 ulp, and how far OpenCV is from the reference."""
    near = ONE + np.float32(3e-5)
    (((large,), (small,))) = equivalence.rounding([(near,), (ONE,)], [[reference(1e-5)], [reference(0.0)]])
    assert large == pytest.approx(4e-5, rel=1e-2)
    assert small == pytest.approx(4 * 2**-23 * 2)


@pytest.mark.parametrize(
    ("run", "again", "words"),
    [
        (0.0, 0.0, "the same bits on 4 inputs: no value reaches 6"),
        (5e-7, 0.0, "on 4 inputs no farther than rounding explains"),
        (0.0, 0.5, "invisible on the 2 inputs of a run, but moves an output by 0.5 "),
        (1e-5, 0.5, "below the tolerance, but moves an output by 1e-05 "),
    ],
)
def test_the_reason_says_what_was_seen(run, again, words):
    assert reason(effect(run), effect(again), "no value reaches 6").startswith(words)
