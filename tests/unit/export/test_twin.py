"""The float64 twin computes the same function, farther from rounding; where it cannot, it says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.export import twin
from harness.export.network import Interface
from harness.manifests import TensorSpec

tf: Any = pytest.importorskip("tensorflow")
cases: Any = pytest.importorskip("tests.unit.export.graph_cases")

KERNEL = np.random.RandomState(1).randn(2, 2, 5, 7).astype(np.float32)
PARAMETERS = [np.random.RandomState(seed).rand(5).astype(np.float32) + 0.5 for seed in range(4)]


def interface(spec: TensorSpec = cases.X) -> Interface:
    return Interface(inputs=(spec,), outputs=(spec,), input_names=("x",), output_names=("output_0",))


def normalise(x: Any) -> Any:
    return tf.compat.v1.nn.fused_batch_norm(x, *PARAMETERS, is_training=False, epsilon=1e-3)[0]


def loop(x: Any) -> Any:
    return tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, tf.tanh(y * 1.1)), (tf.constant(0), x))[1]


BODIES = {
    "conv": lambda x: tf.nn.relu(tf.nn.conv2d(x, KERNEL, 1, "VALID")),
    "fused-batch-norm": normalise,
    "resize": lambda x: tf.image.resize(x, (6, 7)),
    "softmax": tf.nn.softmax,
    "control-flow": loop,
    "float16": lambda x: tf.cast(tf.cast(x, tf.float16) * 2.0, tf.float32),
}


@pytest.mark.parametrize("name", BODIES)
def test_twin_agrees_with_float32_to_its_rounding(name):
    graph = cases.frozen(BODIES[name])
    single = cases.run(graph, "output_0")[0]
    double = twin.build(graph, interface()).run([cases.VALUES.astype(np.float64)])[0]
    assert double.dtype == np.float64
    scale = np.abs(double).max()
    np.testing.assert_allclose(single, double, rtol=0, atol=scale * (1e-2 if name == "float16" else 1e-5))


def test_twin_sees_what_float32_loses():
    graph = cases.frozen(lambda x: tf.sin(x * 1e6))
    values = cases.VALUES.astype(np.float64)
    double = twin.build(graph, interface()).run([values])[0]
    np.testing.assert_allclose(double, np.sin(values * 1e6), rtol=0, atol=1e-9)
    assert np.abs(cases.run(graph, "output_0")[0] - double).max() > 1e-3


def test_an_op_without_a_float64_kernel_is_named():
    spec = TensorSpec(name="x", shape=(1, 4, 4, 4, 2))
    graph = cases.frozen(lambda x: tf.nn.max_pool3d(x, 2, 2, "VALID"), spec=spec)
    with pytest.raises(twin.NoTwinError, match="double is not in the list of allowed values"):
        twin.build(graph, interface(spec))
