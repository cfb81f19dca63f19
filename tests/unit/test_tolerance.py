from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tolerance import FLOOR_ULPS, ULP, K, Reference, batched, derive


def reference(best, *, noise=0.0, float32=None) -> Reference:
    best = np.asarray(best)
    float32 = best.astype(np.float32) if float32 is None else np.asarray(float32)
    return Reference(name="y", float32=float32, best=best, noise=noise, why="float64 twin")


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
