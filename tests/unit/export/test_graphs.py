"""Folding leaves ordinary ops: no calls, no conditions that are known, no shape arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.export import graphs
from harness.export.keras_models import from_model
from harness.manifests import TensorSpec

tf: Any = pytest.importorskip("tensorflow")
keras: Any = pytest.importorskip("keras")
cases: Any = pytest.importorskip("tests.unit.export.graph_cases")

CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
BRANCHES = {"If", "StatelessIf"}
IMAGE = (6, 7, 4)


@pytest.fixture(autouse=True)
def fresh_names():
    yield
    keras.backend.clear_session()


def network(*layers: Any, shape: tuple[int, ...] = IMAGE) -> Any:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input(shape, name="x"), *layers])
    return from_model(model, [TensorSpec(name="x", shape=(1, *shape))], ())


def values(shape: tuple[int, ...] = IMAGE) -> Any:
    return np.random.RandomState(0).randn(1, *shape).astype(np.float32)


def same(found: Any, *, shape: tuple[int, ...] = IMAGE) -> None:
    """The folded graph computes what the model does."""
    expected = np.asarray(found.model(values(shape), training=False))
    cases.assert_same([expected], cases.run(found.folded, "output_0", x=values(shape)))


def test_functions_that_are_compiled_apart_are_inlined():
    found = network(keras.layers.Conv2D(6, 3, groups=2, padding="same"))
    assert CALLS & set(cases.ops(found.frozen)), "the case must have a call"
    assert not CALLS & set(cases.ops(found.folded))
    assert "Conv2D" in cases.ops(found.folded)
    same(found)


def test_functions_that_are_not_to_be_inlined_are_all_the_same():
    @tf.function(experimental_attributes={"_noinline": True}, autograph=False)
    def apart(x: Any) -> Any:
        return tf.nn.relu(x) * 2.0

    graph = cases.frozen(lambda x: apart(x) + 1.0)
    marked = graph.SerializeToString(deterministic=True)
    after = graphs.fold(graph, ["x"], ["output_0"])
    assert CALLS & set(cases.ops(graph))
    assert not CALLS & set(cases.ops(after))
    assert graph.SerializeToString(deterministic=True) == marked, "the graph given has changed"
    cases.assert_same(cases.run(graph, "output_0"), cases.run(after, "output_0"))


def test_conditions_on_known_sizes_are_decided():
    found = network(keras.layers.Resizing(9, 5, pad_to_aspect_ratio=True))
    assert BRANCHES & set(cases.ops(found.frozen)), "the case must have a condition"
    assert not (BRANCHES | CALLS) & set(cases.ops(found.folded))
    same(found)


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True), (False, False)])
def test_the_branch_that_a_constant_takes_is_kept(first, second):
    def body(x: Any) -> Any:
        def inner() -> Any:
            return tf.cond(tf.constant(second), lambda: tf.tanh(x), lambda: tf.exp(x))

        return tf.cond(tf.constant(first), inner, lambda: tf.sin(x)) * 2.0

    graph = cases.frozen(body)
    after = graphs.fold(graph, ["x"], ["output_0"])
    assert BRANCHES & set(cases.ops(graph)), "the case must have a condition"
    kept = "Sin" if not first else "Tanh" if second else "Exp"
    assert {"Sin", "Tanh", "Exp"} & set(cases.ops(after)) == {kept}
    assert not (BRANCHES | CALLS) & set(cases.ops(after))
    cases.assert_same(cases.run(graph, "output_0"), cases.run(after, "output_0"))


def test_conditions_on_inputs_stay():
    graph = cases.frozen(lambda x: tf.cond(x[0, 0, 0, 0] > 0, lambda: tf.tanh(x), lambda: tf.exp(x)))
    after = graphs.fold(graph, ["x"], ["output_0"])
    assert BRANCHES & set(cases.ops(after))
    for sign in (1, -1):
        x = np.abs(cases.VALUES) * sign
        cases.assert_same(cases.run(graph, "output_0", x=x), cases.run(after, "output_0", x=x))


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param(lambda nn: [nn.Flatten(), nn.Dense(3)], id="flatten"),
        pytest.param(lambda nn: [nn.Reshape((7, -1)), nn.UpSampling1D(2)], id="reshape"),
        pytest.param(lambda nn: [nn.Conv2DTranspose(3, 3, 2)], id="transposed-convolution"),
        pytest.param(lambda nn: [nn.GroupNormalization(2)], id="group-normalization"),
        pytest.param(lambda nn: [nn.UpSampling2D((2, 3))], id="upsampling"),
    ],
)
def test_shape_arithmetic_of_layers_goes(layers):
    found = network(*layers(keras.layers))
    assert not {"Shape", "StridedSlice", "Pack", "GatherV2"} & set(cases.ops(found.folded)), cases.ops(found.folded)
    same(found)
