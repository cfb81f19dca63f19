"""What the importer would have to guess is said: layouts, axes, and the names of OpenCV's own layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.export.spelling import spelled, static_shapes

tf: Any = pytest.importorskip("tensorflow")
cases: Any = pytest.importorskip("tests.unit.export.graph_cases")

SHAPES = {2: (3, 5), 3: (2, 3, 5), 4: (2, 3, 4, 5), 5: (2, 3, 4, 2, 5)}
SHAPERS = {
    "Reshape": lambda x: tf.reshape(x, (2, 60)),
    "ExpandDims": lambda x: tf.expand_dims(x, 1),
    "Transpose": lambda x: tf.transpose(x, (0, 3, 1, 2)),
    "Identity": tf.identity,
    "Squeeze": lambda x: tf.squeeze(x[:, :1], 1),
}
NARY = {
    "Add": "add",
    "AddV2": "add",
    "Sub": "sub",
    "Mul": "mul",
    "RealDiv": "div",
    "Maximum": "max",
    "Minimum": "min",
    "Pow": "pow",
}


def graph_of(body: Any, *shapes: tuple[int | None, ...]) -> Any:
    """The graph as it is written: nothing is folded."""
    with tf.Graph().as_default() as graph:
        body(*(tf.compat.v1.placeholder(tf.float32, shape) for shape in shapes))
    return graph.as_graph_def()


def written(op: str, body: Any, *shapes: tuple[int | None, ...]) -> Any:
    """How the last node of an op is spelled."""
    graph = graph_of(body, *shapes)
    name = [node.name for node in graph.node if node.op == op][-1]
    return cases.node(spelled(graph), name)


def layout(node: Any) -> bytes | None:
    return node.attr["data_format"].s if "data_format" in node.attr else None


@pytest.mark.parametrize(("rank", "said"), [(2, b"NCHW"), (3, b"NCHW"), (4, b"NHWC"), (5, b"NCHW")])
@pytest.mark.parametrize(
    ("op", "body"),
    [
        ("Placeholder", lambda x: x),
        ("Relu", tf.nn.relu),
        ("ConcatV2", lambda x: tf.concat([x, x], 1)),
        ("Slice", lambda x: tf.slice(x, [0] * x.shape.rank, [1] * x.shape.rank)),
        ("Softmax", tf.nn.softmax),
        ("AddV2", lambda x: x + 1.0),
    ],
)
def test_images_are_nhwc_and_all_else_is_as_it_stands(op, body, rank, said):
    assert layout(written(op, body, SHAPES[rank])) == said


def test_the_rank_is_that_of_the_result():
    matrix = written("MatMul", lambda x: tf.reshape(x, (6, 20)) @ tf.ones((20, 3)), SHAPES[4])
    assert layout(matrix) == b"NCHW"


def test_a_rank_that_nobody_knows_is_as_it_stands():
    graph = graph_of(lambda x: tf.nn.relu(tf.raw_ops.PlaceholderWithDefault(input=x, shape=None)), (2, 3))
    assert "Relu" not in static_shapes(graph)
    assert layout(next(node for node in spelled(graph).node if node.op == "Relu")) == b"NCHW"


@pytest.mark.parametrize(
    ("op", "body", "shape", "said"),
    [
        ("MaxPool", lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID", "NHWC"), SHAPES[4], b"NHWC"),
        ("MaxPool", lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID", "NCHW"), SHAPES[4], b"NCHW"),
        ("Conv3D", lambda x: tf.nn.conv3d(x, tf.ones((1, 1, 1, 5, 2)), [1] * 5, "SAME"), SHAPES[5], b"NDHWC"),
        ("BiasAdd", lambda x: tf.nn.bias_add(x, tf.ones(3), "NCHW"), SHAPES[4], b"NCHW"),
        ("BiasAdd", lambda x: tf.nn.bias_add(x, tf.ones(5)), SHAPES[2], b"NCHW"),
        ("BiasAdd", lambda x: tf.nn.bias_add(x, tf.ones(5)), SHAPES[4], b"NHWC"),
    ],
)
def test_layouts_that_are_given_are_kept(op, body, shape, said):
    assert layout(written(op, body, shape)) == said


@pytest.mark.parametrize("op", SHAPERS)
def test_what_gives_shapes_is_not_touched(op):
    graph = graph_of(SHAPERS[op], SHAPES[4])
    before = {node.name: node for node in graph.node if node.op == op}
    after = {node.name: node for node in spelled(graph).node if node.op == op}
    assert before
    assert before == after


def test_constants_are_not_touched():
    graph = graph_of(lambda x: x * tf.ones(5) + tf.zeros((2, 3, 4, 5)), SHAPES[4])
    constants = [node for node in graph.node if node.op == "Const"]
    assert constants
    assert [node for node in spelled(graph).node if node.op == "Const"] == constants


def test_the_graph_itself_stays_as_it_was_and_gains_no_empty_attribute():
    graph = graph_of(lambda x: tf.nn.log_softmax(tf.nn.relu(x)) * tf.ones(5), SHAPES[3])
    before = graph.SerializeToString(deterministic=True)
    after = spelled(graph)
    assert graph.SerializeToString(deterministic=True) == before
    assert [node.name for node in after.node] == [node.name for node in graph.node]
    empty = [(node.name, key) for node in after.node for key in node.attr if node.attr[key].WhichOneof("value") is None]
    assert not empty
    old = {node.name: node for node in graph.node}
    added = {"data_format", "axis", "log_softmax", "operation"}
    for node in after.node:
        assert list(node.input) == list(old[node.name].input)
        assert set(node.attr) - added == set(old[node.name].attr) - added


@pytest.mark.parametrize(("rank", "axis"), [(2, 1), (3, 2), (4, 1), (5, 4)])
def test_the_axis_of_a_softmax_is_said(rank, axis):
    plain = written("Softmax", tf.nn.softmax, SHAPES[rank])
    assert (plain.op, plain.attr["axis"].i, "log_softmax" in plain.attr) == ("Softmax", axis, False)
    logarithm = written("LogSoftmax", tf.nn.log_softmax, SHAPES[rank])
    assert (logarithm.op, logarithm.attr["axis"].i, logarithm.attr["log_softmax"].b) == ("SoftMax", axis, True)


@pytest.mark.parametrize("op", NARY)
@pytest.mark.parametrize(
    ("first", "second"), [((2, 3, 4, 5), (2, 1, 1, 5)), ((2, 1, 5), (2, 3, 1)), ((1, 5), (3, 5)), ((3, 5), (5,))]
)
def test_computed_tensors_of_different_shape_are_broadcast(op, first, second):
    node = written(op, lambda x, y: getattr(tf.raw_ops, op)(x=x, y=y), first, second)
    assert (node.op, node.attr["operation"].s.decode()) == ("NaryEltwise", NARY[op])
    assert layout(node) == (b"NHWC" if len(first) == 4 else b"NCHW")


@pytest.mark.parametrize(
    ("op", "layer", "operation"),
    [
        ("Add", "Add", ""),
        ("AddV2", "AddV2", ""),
        ("Sub", "Sub", ""),
        ("Mul", "Eltwise", "prod"),
        ("RealDiv", "Eltwise", "div"),
        ("Maximum", "NaryEltwise", "max"),
        ("Minimum", "NaryEltwise", "min"),
        ("Pow", "NaryEltwise", "pow"),
    ],
)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=len)
def test_computed_tensors_of_one_shape_broadcast_only_where_nothing_else_is_read(op, layer, operation, shape):
    node = written(op, lambda x, y: getattr(tf.raw_ops, op)(x=x, y=y), shape, shape)
    assert node.op == layer
    assert (node.attr["operation"].s.decode() if "operation" in node.attr else "") == operation


@pytest.mark.parametrize("op", NARY)
def test_what_has_a_constant_keeps_its_name(op):
    operation = getattr(tf.raw_ops, op)
    for body in (lambda x: operation(x=x, y=np.float32(2)), lambda x: operation(x=np.ones(5, np.float32), y=x)):
        assert written(op, body, SHAPES[4]).op == op


def test_the_second_result_of_a_node_has_no_shape_that_is_known():
    """Only first results are looked up: of what else there is, the op stays as it is."""

    def body(x: Any, y: Any) -> Any:
        return tf.raw_ops.AddV2(x=tf.split(x, [1, 2], 1)[1], y=y)

    assert written("AddV2", body, (2, 3, 5), (2, 2, 5)).op == "AddV2"


@pytest.mark.parametrize(
    ("rank", "vector", "axis"),
    [(2, True, None), (3, True, 2), (4, True, None), (5, True, 4), (3, False, None), (5, False, None)],
)
def test_a_product_with_a_vector_says_the_axis_of_it(rank, vector, axis):
    other = np.ones(5 if vector else (), np.float32)
    for body in (lambda x: tf.raw_ops.Mul(x=x, y=other), lambda x: tf.raw_ops.Mul(x=other, y=x)):
        node = written("Mul", body, SHAPES[rank])
        assert (node.attr["axis"].i if "axis" in node.attr else None) == axis
    assert "axis" not in written("AddV2", lambda x: tf.raw_ops.AddV2(x=x, y=other), SHAPES[rank]).attr
