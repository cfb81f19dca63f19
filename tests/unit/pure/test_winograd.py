from __future__ import annotations

import numpy as np
import pytest

from harness.pure import winograd
from harness.pure.compare import Difference
from harness.pure.tolerance import Tolerance
from harness.pure.winograd import AMPLIFICATION, caveat, concerns, explained


def difference(margin: float, allowed: float = 1e-5) -> Difference:
    tolerance = Tolerance(allowed=allowed, why="32 x noise")
    size = margin * allowed if allowed else margin
    return Difference(output="y", plan="p", max_abs=size, tolerance=tolerance, shape_got=(1,), shape_expected=(1,))


def test_the_transforms_are_those_of_a_convolution_with_three_taps():
    generator = np.random.default_rng(1)
    tile, taps = generator.normal(size=8), generator.normal(size=3)
    made = winograd._A @ ((winograd._G @ taps) * (winograd._B @ tile))
    np.testing.assert_allclose(made, np.correlate(tile, taps, "valid"), atol=1e-13)


def test_the_amplification_is_what_rounding_of_the_products_does():
    """Round each product of many random tiles, leave all else exact, and look at the output that suffers most."""
    generator = np.random.default_rng(2)
    tiles, taps = generator.normal(size=(20_000, 8, 8)), generator.normal(size=(20_000, 3, 3))
    a, b, g = winograd._A, winograd._B, winograd._G
    products = (g @ taps @ g.T) * (b @ tiles @ b.T)
    rounded = products * generator.choice([-1, 1], products.shape)  # errors in units of one product's own
    error = np.sqrt(((a @ rounded @ a.T) ** 2).mean(axis=0))
    plain = np.sqrt(9)  # of nine products of unit variance
    assert error.max() / plain == pytest.approx(AMPLIFICATION, rel=0.05)
    assert pytest.approx(46.26, abs=0.01) == AMPLIFICATION


def test_an_error_that_the_transforms_explain_is_within_a_wider_tolerance():
    (found,) = explained([difference(1.3)], [difference(0.03)])
    assert found.passed
    assert found.tolerance.allowed == pytest.approx(AMPLIFICATION * 1e-5)
    assert found.tolerance.why == "46.3 (Winograd F(6x6,3x3)) x 32 x noise"


@pytest.mark.parametrize(
    ("fast", "plain"),
    [
        ([1.3], [1.1]),  # wrong without it, too
        ([AMPLIFICATION * 1.01], [0.03]),  # more than it amplifies
        ([1.3, 1e4], [0.03, 0.03]),  # on one input only
        ([1.3, 0.5], [0.03, 1.01]),
    ],
)
def test_anything_beyond_is_not_explained(fast, plain):
    assert explained([difference(margin) for margin in fast], [difference(margin) for margin in plain]) == ()


def test_integers_that_differ_stay_wrong():
    assert explained([difference(1.0, allowed=0.0)], [difference(0.0, allowed=0.0)]) == ()


def test_the_caveat_tells_the_size_and_the_way_out():
    said = caveat([difference(0.2), difference(1.28)])
    assert "1.28 times" in said
    assert "enableWinograd(False)" in said


@pytest.mark.parametrize("op", ["Conv", "Conv2D", "CONV_2D", "DepthwiseConv2dNative"])
def test_graphs_with_convolutions_are_concerned(op):
    assert concerns({"Relu": 3, op: 1})
    assert not concerns({"Relu": 3, "MatMul": 1})
