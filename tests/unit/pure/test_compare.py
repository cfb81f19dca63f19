from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.encoding import to_json
from harness.pure.compare import compare_output, sensitivity, shapes_agree, summarise
from harness.pure.tolerance import SENSITIVITY_NEEDED, Reference

RANDOM = np.random.RandomState(7)
X = RANDOM.standard_normal((2, 9, 11, 5))
"""Batch, height, width, channels: all unequal, so that a swapped axis shows."""
WEIGHTS = RANDOM.standard_normal((5, 6)) / np.sqrt(5)
BIAS = RANDOM.standard_normal(6)


def layer(x=X, weights=WEIGHTS, bias=BIAS, *, dtype=np.float64):
    """A 1x1 convolution and relu, as a network's building block."""
    return np.maximum(x.astype(dtype) @ weights.astype(dtype) + bias.astype(dtype), dtype(0))


def reference(best=None, *, name="y", noise=None, float32=None) -> Reference:
    best = layer() if best is None else np.asarray(best)
    single = best.astype(np.float32) if float32 is None else np.asarray(float32)
    if noise is None:
        noise = float(np.nanmax(np.abs(single - best), initial=0)) if np.isfinite(best).all() else 0.0
    return Reference(name=name, float32=single, best=best, noise=noise, why="float64 twin")


TRUE = reference(noise=float(np.abs(layer(dtype=np.float32) - layer()).max()))


def test_another_float32_implementation_is_right():
    """The same sum in another order: what OpenCV does."""
    x, weights = X.astype(np.float32), WEIGHTS.astype(np.float32)
    total = sum(x[..., i, None] * weights[i] for i in reversed(range(5)))
    difference = compare_output(np.maximum(total + BIAS.astype(np.float32), 0), TRUE, "p")
    assert difference.passed
    assert 0 < difference.margin < 1


FAULTS = {
    "a weight 1 % off": layer(weights=np.where(np.arange(30).reshape(5, 6) == 13, WEIGHTS * 1.01, WEIGHTS)),
    "one bias 0.1 % off": layer(bias=np.where(np.arange(6) == 2, BIAS * 1.001, BIAS)),
    "a bias dropped": layer(bias=np.zeros(6)),
    "channels swapped at the input": layer(x=X[..., ::-1]),
    "channels swapped at the output": layer()[..., ::-1],
    "batch swapped": layer()[::-1],
    "shifted by one pixel": np.roll(layer(), 1, axis=2),
    "no activation": X @ WEIGHTS + BIAS,
    "computed in half precision": layer(dtype=np.float16),
    "all zero": np.zeros_like(layer()),
    "one value zero": np.where(np.arange(layer().size).reshape(layer().shape) == layer().argmax(), 0, layer()),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_wrong(fault):
    difference = compare_output(FAULTS[fault].astype(np.float32), TRUE, "p")
    assert not difference.passed
    assert difference.margin > 5


@pytest.mark.parametrize("axes", [(0, 2, 1, 3), (0, 3, 1, 2), (1, 0, 2, 3)])
def test_a_transposed_output_is_misshapen_and_not_turned_to_fit(axes):
    difference = compare_output(layer().transpose(axes), TRUE, "p")
    assert not difference.same_shape
    assert not difference.passed
    assert difference.shape_got == layer().transpose(axes).shape
    assert difference.shape_expected == layer().shape


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_not_finite_is_wrong_without_bound(odd):
    got = layer()
    got[1, 2, 3, 4] = odd
    difference = compare_output(got, TRUE, "p")
    assert (difference.passed, difference.max_abs) == (False, float("inf"))
    parity = summarise([difference], inputs=1, sensitivity=1e6)
    assert (parity.max_abs, parity.margin) == (None, None)
    to_json(parity)


ODD = np.array([1.0, np.nan, np.inf, -np.inf])


def test_what_is_not_finite_must_meet_its_like():
    assert compare_output(ODD, reference(ODD), "p").max_abs == 0
    for index in (1, 2, 3):
        for other in (0.0, np.nan, np.inf, -np.inf):
            got = np.where(np.arange(4) == index, other, ODD)
            same = got[index] == ODD[index] or (np.isnan(got[index]) and np.isnan(ODD[index]))
            assert compare_output(got, reference(ODD), "p").passed == same, (ODD[index], other)


def test_an_overflow_of_float32_is_tensorflows_own_answer():
    """The twin's 1e39 is no float32: whoever runs the model gets infinity, or the largest numbers there are."""
    expected = reference([1e39, 2.0], float32=np.array([np.inf, 2.0], np.float32), noise=np.inf)
    assert compare_output(np.array([np.inf, 2.0], np.float32), expected, "p").passed
    assert compare_output(np.array([2.4e38, 2.0], np.float32), expected, "p").passed
    for wrong in ([8e37, 2.0], [-np.inf, 2.0], [-3e38, 2.0], [np.nan, 2.0], [np.inf, 2.1], [2.4e38, 3e38]):
        assert not compare_output(np.array(wrong, np.float32), expected, "p").passed
    large = reference([2.8e38, 2.0], noise=0.0)
    assert compare_output(np.array([np.inf, 2.0], np.float32), large, "p").passed
    assert not compare_output(np.array([-np.inf, 2.0], np.float32), large, "p").passed
    assert not compare_output(np.array([np.inf, 2.0], np.float32), reference([8e37, 2.0], noise=0.0), "p").passed
    infinite = reference([np.inf, 2.0], noise=0.0)  # the logarithm of zero is no overflow
    assert not compare_output(np.array([3e38, 2.0], np.float32), infinite, "p").passed


def test_integers_are_equal_or_wrong_without_bound():
    labels = np.array([[3, 1, 2]])
    expected = reference(labels, float32=labels, noise=0.0)
    assert compare_output(labels.astype(np.float32), expected, "p").passed
    wrong = compare_output(np.array([[3, 1, 1]]), expected, "p")
    assert not wrong.passed
    assert wrong.margin == float("inf")


def test_an_output_without_values_has_no_difference():
    assert compare_output(np.zeros((0, 4), np.float32), reference(np.zeros((0, 4))), "p").max_abs == 0


ARRAYS = hnp.arrays(np.float64, (2, 3), elements=st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, -np.inf]))


@given(ARRAYS, ARRAYS)
def test_the_distance_is_the_same_both_ways(a, b):
    there = compare_output(a, reference(b, noise=0.0, float32=b), "p").max_abs
    assert there == compare_output(b, reference(a, noise=0.0, float32=a), "p").max_abs
    assert there >= 0


@given(ARRAYS)
def test_an_output_equals_itself(a):
    assert compare_output(a, reference(a, noise=0.0, float32=a), "p").margin == 0


SHAPES = st.lists(st.integers(1, 4), max_size=4).map(tuple)


@given(SHAPES, SHAPES)
def test_shapes_agree_only_where_every_value_keeps_its_place(got, expected):
    if shapes_agree(got, expected):
        assert np.prod(got) == np.prod(expected)
        assert [n for n in got if n > 1] == [n for n in expected if n > 1]
    if len(expected) >= 2:
        assert shapes_agree(got, expected) == (got == expected)


@given(SHAPES)
def test_a_shape_agrees_with_itself(shape):
    assert shapes_agree(shape, shape)


@pytest.mark.parametrize(
    ("got", "expected", "agree"),
    [
        ((1, 1), (), True),
        ((1,), (), True),
        ((5, 1), (5,), True),
        ((5,), (5,), True),
        ((1, 5), (5, 1), False),
        ((5, 1), (1, 5), False),
        ((1, 5), (5,), False),
        ((5, 1, 1), (5,), False),
        ((1, 1, 1), (), False),
        ((4, 1), (5,), False),
        ((1, 5), (1, 1, 5), False),
        ((1, 5, 1), (1, 5), False),
    ],
)
def test_a_mat_has_two_axes_at_least(got, expected, agree):
    assert shapes_agree(got, expected) is agree


def test_a_vector_that_came_as_a_mat_is_compared_value_by_value():
    expected = reference(np.array([1.0, 2.0, 3.0]))
    assert compare_output(np.array([[1.0], [2.0], [3.0]]), expected, "p").passed
    assert not compare_output(np.array([[1.0], [3.0], [2.0]]), expected, "p").passed


def test_inputs_that_change_the_output_prove_something():
    columns = [[reference(layer(x=X * scale))] for scale in (1.0, -1.0, 0.5)]
    assert sensitivity(columns) > SENSITIVITY_NEEDED


def test_an_output_that_stays_the_same_proves_nothing():
    assert sensitivity([[reference()], [reference()]]) == 0
    assert sensitivity([[reference()]]) == 0
    assert sensitivity([]) == 0


def test_the_least_varying_output_counts():
    moving = [reference(layer(x=X * scale)) for scale in (1.0, -1.0)]
    still = [reference(), reference()]
    assert sensitivity(list(zip(moving, still, strict=True))) == 0


def test_a_saturated_head_proves_nothing():
    """Softmax of huge logits: one-hot whatever comes in."""
    heads = [np.array([[1.0, 0.0, 1e-12 * k]]) for k in range(3)]
    assert sensitivity([[reference(head)] for head in heads]) < SENSITIVITY_NEEDED


def test_integers_prove_something_as_soon_as_they_vary():
    def labels(*values):
        return [reference(np.array(values), float32=np.array(values), noise=0.0)]

    assert sensitivity([labels(1, 2), labels(1, 3)]) > SENSITIVITY_NEEDED
    assert sensitivity([labels(1, 2), labels(1, 2)]) == 0


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_outputs_that_are_never_finite_prove_nothing(odd):
    columns = [[reference(np.full((2, 2), odd))] for _ in range(3)]
    assert sensitivity(columns) == 0


def test_the_worst_difference_is_the_one_reported():
    fine = compare_output(layer(), replace(TRUE, name="fine"), "first")
    off = compare_output(layer() + 0.5, replace(TRUE, name="off"), "second")
    parity = summarise([fine, off, fine], inputs=3, sensitivity=5e4)
    assert (parity.output, parity.worst_input, parity.inputs) == ("off", "second", 3)
    assert parity.max_abs == pytest.approx(0.5)
    assert parity.margin == pytest.approx(0.5 / parity.allowed)
    assert parity.sensitivity == 5e4


def test_every_input_tells_its_margin_at_its_worst_output():
    fine = compare_output(layer(), replace(TRUE, name="fine"), "first")
    off = compare_output(layer() + 0.5, replace(TRUE, name="off"), "first")
    odd = compare_output(np.full_like(layer(), np.nan), replace(TRUE, name="fine"), "second")
    first, second = summarise([fine, off, odd], inputs=2, sensitivity=5e4).by_input
    assert (first.plan, second.plan) == ("first", "second")
    assert first.margin == pytest.approx(off.margin, rel=1e-2)
    assert second.margin is None


def test_a_wrong_shape_is_worse_than_any_number():
    misshapen = compare_output(np.zeros((1, 2)), replace(TRUE, name="misshapen"), "p")
    off = compare_output(np.full_like(layer(), np.nan), replace(TRUE, name="off"), "p")
    assert summarise([off, misshapen, off], inputs=1, sensitivity=0).output == "misshapen"


def test_a_parity_is_always_fit_for_json():
    difference = compare_output(layer(), TRUE, "p")
    to_json(summarise([difference], inputs=1, sensitivity=float("inf")))


def test_one_input_at_which_the_network_is_not_steady_does_not_hide_that_the_others_are_told_apart():
    def at(value: float, noise: float):
        return [Reference(name="y", float32=np.float32([value]), best=np.array([value]), noise=noise, why="twin")]

    assert sensitivity([at(0.0, 1e-7), at(1.0, 1e-7), at(0.5, 10.0)]) > SENSITIVITY_NEEDED
    assert sensitivity([at(0.0, 1e-7), at(1.0, 10.0)]) < SENSITIVITY_NEEDED


def test_of_the_inputs_that_fail_the_plainest_is_named():
    plans = ["sparse:seed=1:scale=1.0", "picture:astronaut", "ramp:seed=9:scale=1.0:items=3", "ramp:seed=9:scale=4.0"]
    right = layer().astype(np.float32)
    wrong = [compare_output(right + 1, TRUE, plan) for plan in plans]
    fine = compare_output(right, TRUE, "ramp:seed=0:scale=1.0")
    assert summarise([fine, *wrong], inputs=5, sensitivity=1e4).plainest_input == "ramp:seed=9:scale=4.0"
    assert summarise([fine, wrong[1]], inputs=2, sensitivity=1e4).plainest_input == "picture:astronaut"
    assert summarise([fine], inputs=1, sensitivity=1e4).plainest_input == ""
