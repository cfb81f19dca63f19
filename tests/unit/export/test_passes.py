"""Each rewrite removes what it is there to remove and computes, in TensorFlow, what was computed before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.export import passes
from harness.export.passes.control_inputs import drop_control_inputs
from harness.export.passes.identities import bypass_identities
from harness.export.passes.merged_bias import name_merged_biases
from harness.export.passes.output_names import name_outputs
from harness.export.passes.reshapes import anchor_reshapes
from harness.export.passes.tensor_content import encode_constants
from harness.export.passes.tensors import read_tensors
from harness.export.passes.unused_nodes import drop_unused_nodes
from harness.records import TensorSpec

tf: Any = pytest.importorskip("tensorflow")
cases: Any = pytest.importorskip("tests.unit.export.graph_cases")

KERNEL = np.random.RandomState(1).randn(2, 2, 5, 7).astype(np.float32)
BIAS = np.arange(7, dtype=np.float32)


def same(before: Any, after: Any, *outputs: str) -> None:
    for old, new in zip(cases.run(before, *outputs), cases.run(after, *outputs), strict=True):
        np.testing.assert_array_equal(old, new)


def test_constants_are_written_out():
    graph = cases.frozen(lambda x: x + tf.zeros((4, 5)) + tf.fill((5,), 2.0))
    short = [n for n in graph.node if n.op == "Const" and not n.attr["value"].tensor.tensor_content]
    assert short, "the case must have a constant in TensorFlow's short form"
    after = encode_constants(graph)
    for constant in (n for n in after.node if n.op == "Const"):
        tensor = constant.attr["value"].tensor
        assert tensor.tensor_content or tensor.int_val, constant.name
    same(graph, after, "output_0")


def test_single_integers_stay_where_the_importer_looks_for_them():
    graph = encode_constants(cases.frozen(lambda x: tf.split(x, [2, 3], axis=3)[0]))
    axis = next(n for n in graph.node if n.name.endswith("split_dim"))
    assert list(axis.attr["value"].tensor.int_val) == [3]


def test_identities_are_bypassed_but_for_those_to_keep():
    graph = cases.frozen(lambda x: tf.nn.relu(tf.identity(tf.stop_gradient(tf.identity(x))) * 2.0))
    after = bypass_identities(graph, keep=("output_0",))
    assert cases.ops(after).count("Identity") == 1
    assert "StopGradient" not in cases.ops(after)
    same(graph, after, "output_0")


def test_control_inputs_and_noops_go():
    graph = cases.frozen(lambda x: x + 1.0)
    noop = graph.node.add(name="barrier", op="NoOp")
    cases.node(graph, "output_0").input.append(f"^{noop.name}")
    after = drop_control_inputs(graph)
    assert "NoOp" not in cases.ops(after)
    assert not [name for n in after.node for name in n.input if name.startswith("^")]
    same(graph, after, "output_0")


def test_unused_nodes_go_and_unused_inputs_stay():
    graph = cases.frozen(lambda x: x + 1.0)
    extra = graph.node.add(name="unused_input", op="Placeholder")
    extra.attr["dtype"].type = 1
    dead = graph.node.add(name="dead", op="Neg", input=["x"])
    dead.attr["T"].type = 1
    after = drop_unused_nodes(graph, ["x", "unused_input"], ["output_0"])
    names = [n.name for n in after.node]
    assert "dead" not in names
    assert "unused_input" in names
    assert all(names.index(i) < names.index(n.name) for n in after.node for i in n.input)
    same(graph, after, "output_0")


def test_the_computing_node_gets_the_name_of_the_output():
    graph = cases.frozen(tf.nn.relu)
    after = name_outputs(bypass_identities(graph, keep=("output_0",)), ["output_0"])
    assert cases.node(after, "output_0").op == "Relu"
    same(graph, after, "output_0")


@pytest.mark.parametrize(
    ("count", "body"),
    [
        pytest.param(1, lambda x: x, id="an-input"),
        pytest.param(2, lambda x: tf.split(x, 2, axis=2), id="one-of-several-results"),
        pytest.param(2, lambda x: [tf.transpose(x)] * 2, id="twice-the-same"),
    ],
)
def test_an_output_that_cannot_be_renamed_is_multiplied_by_one(count, body):
    names = [f"output_{index}" for index in range(count)]
    spec = TensorSpec(name="x", shape=(1, 4, 4, 5))
    graph = cases.frozen(body, outputs=count, spec=spec)
    after = name_outputs(bypass_identities(graph, keep=names), names)
    assert [cases.node(after, name).op for name in names][-1] == "Mul"
    assert "Identity" not in cases.ops(after)
    values = np.arange(80, dtype=np.float32).reshape(spec.shape)
    for old, new in zip(cases.run(graph, *names, x=values), cases.run(after, *names, x=values), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda x: tf.nn.bias_add(tf.nn.conv2d(x, KERNEL, 1, "VALID"), BIAS), id="convolution"),
        pytest.param(lambda x: tf.nn.conv2d(x, KERNEL, 1, "VALID") * (BIAS + 1) + BIAS, id="batch-norm"),
    ],
)
def test_the_op_that_takes_up_a_bias_takes_the_name(body):
    graph = passes.sanitise(cases.frozen(body), ["x"], ["output_0"])
    after = name_merged_biases(graph, ["output_0"])
    assert cases.node(after, "output_0").op in {"Conv2D", "Mul"}
    np.testing.assert_array_equal(cases.run(graph, "output_0")[0], cases.run(after, "output_0/BiasAdd")[0])


def test_a_bias_that_is_not_merged_keeps_its_name():
    def body(x: Any) -> Any:
        image = tf.nn.conv2d(x, KERNEL, 1, "VALID")
        return tf.nn.bias_add(image, BIAS), tf.nn.relu(image)

    names = ["output_0", "output_1"]
    graph = passes.sanitise(cases.frozen(body, outputs=2), ["x"], names)
    assert name_merged_biases(graph, names) == graph


@pytest.mark.parametrize(
    ("body", "spec"),
    [
        pytest.param(lambda x: tf.reshape(x, (1, 5, 3, 4)), cases.X, id="image-to-image"),
        pytest.param(lambda x: tf.reshape(x, (1, 60)), cases.X, id="image-to-matrix"),
        pytest.param(
            lambda x: tf.reshape(x @ np.eye(60, dtype=np.float32), (1, 3, 4, 5)),
            TensorSpec(name="x", shape=(1, 60)),
            id="matrix-to-image",
        ),
    ],
)
def test_reshapes_of_images_start_from_a_pooling_that_changes_nothing(body, spec):
    graph = passes.sanitise(cases.folded(body, spec=spec), ["x"], ["output_0"])
    after = anchor_reshapes(graph, read_tensors(graph))
    assert cases.node(after, "output_0").input[0] == "output_0/image"
    assert cases.node(after, "output_0/image").attr["data_format"].s == b"NHWC"
    values = cases.VALUES.reshape(spec.shape)
    before = cases.run(graph, "output_0", x=values)[0]
    np.testing.assert_array_equal(before, cases.run(after, "output_0", x=values)[0])


def test_a_reshape_after_a_transpose_to_nchw_is_left_alone():
    def body(x: Any) -> Any:
        image = tf.nn.conv2d(x, KERNEL, 1, "VALID")
        return tf.reshape(tf.transpose(image, (0, 3, 1, 2)), (1, 42))

    graph = passes.sanitise(cases.folded(body), ["x"], ["output_0"])
    assert anchor_reshapes(graph, read_tensors(graph)) == graph


def test_folding_leaves_no_shape_arithmetic():
    def body(x: Any) -> Any:
        unknown = tf.ensure_shape(x, (None, None, None, None))
        shape = tf.shape(tf.nn.relu(unknown))
        return tf.reshape(tf.nn.relu(unknown), tf.stack([shape[0], shape[1] * shape[2], 5]))

    graph = passes.sanitise(cases.folded(body), ["x"], ["output_0"])
    assert not {"Shape", "StridedSlice", "Pack"} & set(cases.ops(graph))
