from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pure.tolerance import (
    FLOOR_ULPS,
    HALF,
    HALF_ULP,
    SINGLE,
    ULP,
    K,
    Reference,
    batched,
    derive,
    roundoff,
    sensitivity_needed,
    with_scale,
)


def reference(best, *, noise=0.0, float32=None, roundoff=SINGLE) -> Reference:
    best = np.asarray(best)
    float32 = best.astype(np.float32) if float32 is None else np.asarray(float32)
    return Reference(name="y", float32=float32, best=best, noise=noise, why="float64 twin", roundoff=roundoff)


def test_tensorflows_own_rounding_sets_the_scale():
    found = derive(reference([1.0, -2.0], noise=1e-5))
    assert found.allowed == pytest.approx(K * 1e-5)
    assert "1e-05" in found.why
    assert "float64 twin" in found.why


def test_where_tensorflow_was_lucky_four_ulp_of_the_largest_output_are_granted():
    found = derive(reference([1.0, -8.0], noise=0.0))
    assert found.allowed == pytest.approx(K * FLOOR_ULPS * ULP * 8)
    assert "4 ulp" in found.why


@given(st.floats(0, 1e-3), st.floats(1e-6, 1e6))
def test_the_tolerance_never_falls_below_either(noise, scale):
    allowed = derive(reference([scale], noise=noise)).allowed
    assert allowed >= K * noise
    assert allowed >= K * FLOOR_ULPS * ULP * scale * (1 - 1e-12)


@given(st.floats(1e-3, 1e3))
def test_the_tolerance_scales_with_the_model(factor):
    values, noise = np.array([0.25, -3.0]), 1e-6
    small, large = derive(reference(values, noise=noise)), derive(reference(values * factor, noise=noise * factor))
    assert large.allowed == pytest.approx(small.allowed * factor)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "bool"])
def test_integers_must_be_equal(dtype):
    found = derive(reference(np.array([0, 1, 1], dtype), float32=np.array([0, 1, 1], dtype), noise=3.0))
    assert found.allowed == 0.0
    assert "equal" in found.why


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [np.nan, np.nan], [np.inf, -np.inf]])
def test_an_output_without_a_scale_still_has_a_positive_tolerance(values):
    """Zero would turn a denormal difference into an infinite one."""
    allowed = derive(reference(np.array(values))).allowed
    assert 0 < allowed < 1e-30


@pytest.mark.parametrize("noise", [np.nan, np.inf])
def test_noise_that_is_no_number_does_not_make_everything_right(noise):
    assert derive(reference([1.0, np.inf], noise=noise)).allowed == pytest.approx(K * FLOOR_ULPS * ULP)


def test_values_that_are_not_finite_do_not_set_the_scale():
    assert derive(reference([2.0, np.inf, np.nan])).allowed == derive(reference([2.0])).allowed


def test_a_batch_has_its_items_in_order_and_the_rounding_of_the_roughest():
    found = batched([reference([[1.0, 2.0]], noise=1e-6), reference([[3.0, 4.0]], noise=1e-4)])
    np.testing.assert_array_equal(found.best, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(found.float32, found.best)
    assert (found.noise, found.name) == (1e-4, "y")


def test_an_output_that_cancels_altogether_has_the_noise_of_the_other_inputs():
    column = [reference([1.0], noise=1e-6), reference([0.0, 0.0]), reference([3.0], noise=2e-6), reference([1e-30])]
    assert [one.noise for one in with_scale(column)] == [1e-6, 2e-6, 2e-6, 0.0]
    assert with_scale(column[1:2]) == (column[1],)


def test_an_output_that_is_small_on_one_input_is_held_to_its_usual_scale_and_a_large_one_to_its_own():
    column = with_scale(
        [reference([0.5]), reference([1e-30]), reference([-0.25]), reference([200.0]), reference([0.5])]
    )
    scales = [derive(one).allowed / (K * FLOOR_ULPS * ULP) for one in column]
    assert scales == pytest.approx([0.5, 0.5, 0.5, 200.0, 0.5])


def test_what_float32_cannot_hold_does_not_set_the_scale():
    """One value of 1e90 would let pass whatever the others are."""
    best = np.array([2.0, 1e90])
    found = Reference(name="y", float32=np.array([2.0, np.inf], np.float32), best=best, noise=0.0, why="twin")
    assert derive(found).allowed == derive(reference([2.0])).allowed


# -- half precision ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("opencv/cpu", SINGLE),
        ("opencv/cpu_fp16", HALF),
        ("opencv/opencl_fp16", HALF),
        ("cuda/cuda_fp16", HALF),
        ("opencv/opencl", SINGLE),
    ],
)
def test_a_device_s_unit_roundoff_is_in_its_name(device, expected):
    assert roundoff(device) == expected


@pytest.mark.parametrize("noise", [0.0, 1e-5])
def test_a_device_in_half_precision_is_allowed_what_the_unit_roundoffs_say(noise):
    known = reference([1.0, -2.0], noise=noise)
    single, half = derive(known), derive(known, HALF)
    assert half.allowed == pytest.approx(8192 * single.allowed)
    assert "both x 8192 for half precision" in half.why
    assert "half" not in single.why


def test_noise_that_a_model_s_own_half_precision_made_is_not_scaled_again():
    known = reference([1.0, -2.0], noise=0.5, roundoff=HALF)
    assert derive(known, HALF).allowed == pytest.approx(K * 0.5)
    assert derive(known).allowed == pytest.approx(K * 0.5)


def test_a_float16_output_is_granted_four_of_its_own_ulps_where_tensorflow_was_lucky():
    values = np.array([0.5, -8.0])
    found = derive(reference(values, noise=0.0, float32=values.astype(np.float16), roundoff=HALF))
    assert found.allowed == pytest.approx(FLOOR_ULPS * HALF_ULP * 8)
    assert "ulp of float16" in found.why
    rough = derive(reference(values, noise=0.01, float32=values.astype(np.float16), roundoff=HALF))
    assert rough.allowed == pytest.approx(K * 0.01)


def test_half_precision_can_show_fewer_differences_between_inputs():
    """The most there can be: two opposite outputs, at K * 4 ulp each."""
    most = 2 / derive(reference([1.0]), HALF).allowed
    assert sensitivity_needed(HALF) < most < sensitivity_needed(SINGLE)
    assert sensitivity_needed(HALF) > 2  # of less, one answer passes for both
