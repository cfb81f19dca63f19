"""Means that are off by what a sum one after another may be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.export import means, twin
from harness.export.network import Interface
from harness.manifests import TensorSpec

tf: Any = pytest.importorskip("tensorflow")
cases: Any = pytest.importorskip("tests.unit.export.graph_cases")

WIDE = TensorSpec(name="x", shape=(1, 24, 25, 3))
VALUES = np.random.RandomState(0).randn(1, 24, 25, 3)


def both(body: Any, spec: TensorSpec = WIDE, values: Any = VALUES) -> tuple[Any, Any]:
    graph = cases.frozen(body, spec=spec)
    interface = Interface(inputs=(spec,), outputs=(spec,), input_names=("x",), output_names=("output_0",))
    return tuple(build(graph, interface).run([values])[0] for build in (means.build, twin.build))


@pytest.mark.parametrize("keep", [True, False])
def test_a_mean_over_many_is_off_by_higham_s_bound(keep):
    bent, exact = both(lambda x: tf.reduce_mean(x, (1, 2), keepdims=keep))
    assert bent.shape == exact.shape
    bound = (24 * 25 - 1) * 2.0**-24 * np.abs(VALUES).mean((1, 2), keepdims=keep)
    np.testing.assert_allclose(bent - exact, bound, rtol=1e-9)


def test_that_bound_holds_for_a_sum_one_after_another():
    smooth = np.linspace(0.3, 0.4, 24 * 25 * 3).reshape(VALUES.shape)
    bent, exact = both(lambda x: tf.reduce_mean(x, (1, 2)), values=smooth)
    total = np.cumsum(smooth.astype(np.float32).reshape(-1, 3), axis=0, dtype=np.float32)[-1]
    off = np.abs(total / np.float32(600) - exact)
    assert (off > 0).all()
    assert (off <= bent - exact).all()


def test_a_mean_over_few_is_as_it_was():
    bent, exact = both(lambda x: tf.reduce_mean(x, 3))
    np.testing.assert_array_equal(bent, exact)


def test_a_mean_over_nobody_knows_how_many_is_as_it_was():
    bent, exact = both(lambda x: tf.reduce_mean(x, (1, 2)), TensorSpec(name="x", shape=(1, None, 25, 3)))
    np.testing.assert_array_equal(bent, exact)
