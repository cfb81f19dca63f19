"""Each rewrite removes what it is there to remove and computes, in TensorFlow, what was computed before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.export import passes
from harness.export.passes.control_inputs import drop_control_inputs
from harness.export.passes.identities import bypass_identities
from harness.export.passes.merged_bias import name_merged_biases
from harness.export.passes.merges import keep_apart
from harness.export.passes.output_names import name_outputs
from harness.export.passes.tensor_content import encode_constants
from harness.export.passes.unused_nodes import drop_unused_nodes
from harness.manifests import TensorSpec

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


def convolved(x: Any) -> Any:
    return tf.nn.conv2d(x, KERNEL, 1, "VALID")


def projected(x: Any) -> Any:
    return tf.raw_ops.MatMul(a=tf.reshape(x, (1, 60)), b=np.random.RandomState(2).randn(60, 7).astype(np.float32))


def scaled(x: Any) -> Any:
    return tf.raw_ops.Mul(x=x, y=np.arange(1, 6, dtype=np.float32))


def biased(product: Any) -> Any:
    return tf.raw_ops.BiasAdd(value=product, bias=BIAS)


def both(make: Any, merge: Any) -> Any:
    """A product of which one reader would be merged, and another reads the product."""

    def body(x: Any) -> Any:
        product = make(x)
        return merge(product), tf.nn.relu(product)

    return body


def twice(make: Any, merge: Any) -> Any:
    return lambda x: (merge(product := make(x)), merge(product))


VOLUME = np.random.RandomState(3).randn(2, 2, 2, 1, 7).astype(np.float32)
WRONG_MERGES = [
    pytest.param("Conv2D", both(convolved, biased), id="convolution-with-a-second-reader"),
    pytest.param("Conv2D", twice(convolved, biased), id="convolution-with-two-biases"),
    pytest.param(
        "Conv3D",
        both(lambda x: tf.nn.conv3d(tf.reshape(x, (1, 3, 4, 5, 1)), VOLUME, (1,) * 5, "VALID"), biased),
        id="volume-with-a-second-reader",
    ),
    pytest.param("MatMul", both(projected, biased), id="matrix-product-with-a-second-reader"),
    pytest.param(
        "MatMul",
        both(projected, lambda product: tf.raw_ops.AddV2(x=product, y=BIAS)),
        id="matrix-product-with-a-second-reader-of-a-sum",
    ),
    pytest.param(
        "MatMul",
        lambda x: (tf.raw_ops.AddV2(x=projected(x), y=tf.nn.relu(tf.reshape(x, (1, 60))[:, :7])),) * 2,
        id="matrix-product-and-a-computed-addend",
    ),
    pytest.param(
        "MatMul",
        lambda x: (tf.raw_ops.Add(x=tf.nn.relu(tf.reshape(x, (1, 60))[:, :7]), y=projected(x)),) * 2,
        id="computed-addend-and-a-matrix-product",
    ),
    pytest.param(
        "MatMul",
        lambda x: (tf.raw_ops.AddV2(x=projected(x), y=tf.constant(3.0)),) * 2,
        id="matrix-product-and-one-value",
    ),
    pytest.param(
        "Mul",
        lambda x: (tf.raw_ops.AddV2(x=scaled(x), y=tf.nn.relu(x)),) * 2,
        id="vector-product-and-a-computed-addend",
    ),
    pytest.param(
        "Mul",
        lambda x: (tf.raw_ops.AddV2(x=tf.nn.relu(x), y=scaled(x)),) * 2,
        id="computed-addend-and-a-vector-product",
    ),
    pytest.param(
        "Mul",
        both(scaled, lambda product: tf.raw_ops.AddV2(x=product, y=np.arange(5, dtype=np.float32))),
        id="vector-product-with-a-second-reader",
    ),
]


@pytest.mark.parametrize(("op", "body"), WRONG_MERGES)
def test_a_product_by_one_stands_where_a_merge_would_be_wrong(op, body):
    names = ["output_0", "output_1"]
    graph = cases.frozen(body, outputs=2)
    after = keep_apart(graph)
    apart = [node for node in after.node if node.name.endswith("/apart")]
    products = [node.name for node in graph.node if node.op == op and f"{node.name}/apart" in {n.name for n in apart}]
    assert products
    assert len(products) == len(apart) == len(after.node) - len(graph.node) - len(apart)
    for name in products:
        assert [node.name for node in after.node if name in node.input] == [f"{name}/apart"]
        one = cases.node(after, f"{name}/apart/one").attr["value"].tensor
        assert (list(one.float_val), len(one.tensor_shape.dim)) == ([1.0], 0)
    assert keep_apart(after) == after
    same(graph, after, *names)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda x: biased(convolved(x)), id="convolution-and-bias"),
        pytest.param(lambda x: tf.nn.relu(convolved(x)), id="convolution-and-no-bias"),
        pytest.param(both(convolved, tf.nn.sigmoid), id="convolution-with-two-other-readers"),
        pytest.param(lambda x: convolved(x) + convolved(x * 2), id="sum-of-two-convolutions"),
        pytest.param(lambda x: biased(projected(x)), id="matrix-product-and-bias"),
        pytest.param(lambda x: tf.raw_ops.AddV2(x=projected(x), y=BIAS), id="matrix-product-and-vector"),
        pytest.param(lambda x: tf.raw_ops.Add(x=BIAS, y=projected(x)), id="vector-and-matrix-product"),
        pytest.param(lambda x: tf.raw_ops.AddV2(x=scaled(x), y=np.float32([1, 2, 3, 4, 5])), id="batch-norm"),
        pytest.param(lambda x: x * 2.0 + tf.nn.relu(x), id="product-with-one-value-and-computed"),
        pytest.param(lambda x: x * tf.nn.sigmoid(x) + x, id="product-of-computed-tensors"),
    ],
)
def test_merges_that_are_right_stay_as_they_are(body):
    graph = cases.frozen(body)
    assert keep_apart(graph) == graph


def test_a_graph_is_not_changed_when_something_is_kept_apart():
    graph = cases.frozen(both(convolved, biased), outputs=2)
    before = graph.SerializeToString(deterministic=True)
    keep_apart(graph)
    assert graph.SerializeToString(deterministic=True) == before


def test_an_output_that_others_read_gets_a_node_of_its_own():
    def body(x: Any) -> Any:
        image = tf.nn.relu(x)
        return image, tf.nn.sigmoid(image), tf.tanh(x)

    names = ["output_0", "output_1", "output_2"]
    graph = bypass_identities(cases.frozen(body, outputs=3), keep=names)
    after = name_outputs(graph, names, apart=True)
    assert [cases.node(after, name).op for name in names] == ["Mul", "Sigmoid", "Tanh"]
    for name in names:
        assert not [node.name for node in after.node if name in node.input], f"{name} is read"
    same(graph, after, *names)
    together = name_outputs(graph, names)
    assert cases.node(together, "output_0").op == "Relu"
    assert [node.name for node in together.node if "output_0" in node.input] == ["output_1"]


def test_an_output_that_two_ask_for_gets_nodes_of_its_own():
    names = ["output_0", "output_1"]
    graph = bypass_identities(cases.frozen(lambda x: [tf.nn.relu(x)] * 2, outputs=2), keep=names)
    after = name_outputs(graph, names, apart=True)
    assert not [node.name for node in after.node if set(names) & set(node.input)]
    assert "Identity" not in cases.ops(after)
    same(graph, after, *names)


def test_folding_leaves_no_shape_arithmetic():
    def body(x: Any) -> Any:
        unknown = tf.ensure_shape(x, (None, None, None, None))
        shape = tf.shape(tf.nn.relu(unknown))
        return tf.reshape(tf.nn.relu(unknown), tf.stack([shape[0], shape[1] * shape[2], 5]))

    graph = passes.sanitise(cases.folded(body), ["x"], ["output_0"])
    assert not {"Shape", "StridedSlice", "Pack"} & set(cases.ops(graph))
