"""Each rewrite of an ONNX model removes what it is there to remove, and ONNX's own evaluator finds no difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.export import onnx_rewrites
from harness.manifests import TensorSpec

onnx: Any = pytest.importorskip("onnx")
helper: Any = pytest.importorskip("onnx.helper")
evaluation: Any = pytest.importorskip("onnx.reference")

FLOAT, INT64 = 1, 7
OPSET = 13
VALUES = {"x": np.random.RandomState(0).randn(2, 3).astype(np.float32), "y": np.float32([[4, 5, 6]])}


def info(name: str, shape: Any, kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name: str, value: Any) -> Any:
    return onnx.numpy_helper.from_array(np.asarray(value), name)


def model_of(nodes: list[Any], outputs: list[Any], *, inputs: Any = (), constants: Any = ()) -> Any:
    """A model that reads x (2, 3); where an output's shape is None, it is left out as tf2onnx may."""
    graph = helper.make_graph(nodes, "g", [info("x", (2, 3)), *inputs], outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    if all(value.type.tensor_type.HasField("shape") for value in outputs):
        onnx.checker.check_model(model)
    return model


def run(model: Any) -> list[Any]:
    names = {value.name for value in model.graph.input}
    return list(evaluation.ReferenceEvaluator(model).run(None, {n: v for n, v in VALUES.items() if n in names}))


def rewritten(model: Any, rewrite: Any) -> Any:
    """The model after a rewrite that changes no number."""
    before = run(model)
    rewrite(model)
    onnx.checker.check_model(model)
    for old, new in zip(before, run(model), strict=True):
        np.testing.assert_array_equal(new, old)
    return model


def sizes(value: Any) -> list[int]:
    return [axis.dim_value for axis in value.type.tensor_type.shape.dim]


def test_inputs_that_nothing_reads_are_dropped():
    nodes = [helper.make_node("Relu", ["x"], ["z"])]
    model = model_of(nodes, [info("z", (2, 3))], inputs=[info("y", (1, 3)), info("w", (7,))])
    rewritten(model, onnx_rewrites.drop_dangling_inputs)
    assert [value.name for value in model.graph.input] == ["x"]


def test_inputs_that_are_results_stay():
    nodes = [helper.make_node("Relu", ["x"], ["z"])]
    model = model_of(nodes, [info("z", (2, 3)), info("y", (1, 3))], inputs=[info("y", (1, 3))])
    rewritten(model, onnx_rewrites.drop_dangling_inputs)
    assert [value.name for value in model.graph.input] == ["x", "y"]


def test_inputs_that_a_branch_reads_stay():
    then = helper.make_graph([helper.make_node("Neg", ["y"], ["a"])], "then", [], [info("a", (1, 3))])
    otherwise = helper.make_graph([helper.make_node("Abs", ["y"], ["b"])], "else", [], [info("b", (1, 3))])
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0),
        helper.make_node("Greater", ["most", "zero"], ["positive"]),
        helper.make_node("If", ["positive"], ["z"], then_branch=then, else_branch=otherwise),
    ]
    model = model_of(
        nodes, [info("z", (1, 3))], inputs=[info("y", (1, 3))], constants=[constant("zero", np.float32(0))]
    )
    rewritten(model, onnx_rewrites.drop_dangling_inputs)
    assert [value.name for value in model.graph.input] == ["x", "y"]


@pytest.mark.parametrize("stated", [None, (2, None), ("rows", 3)], ids=["none", "partial", "symbol"])
def test_shapes_of_outputs_are_stated_where_they_are_open(stated):
    model = model_of([helper.make_node("Relu", ["x"], ["z"])], [info("z", stated)])
    rewritten(model, lambda found: onnx_rewrites.state_output_shapes(found, [TensorSpec(name="z", shape=(2, 3))]))
    assert sizes(model.graph.output[0]) == [2, 3]


def test_a_scalar_has_a_shape_of_no_axes():
    model = model_of([helper.make_node("ReduceSum", ["x"], ["z"], keepdims=0)], [info("z", None)])
    assert not model.graph.output[0].type.tensor_type.HasField("shape")
    rewritten(model, lambda found: onnx_rewrites.state_output_shapes(found, [TensorSpec(name="z", shape=())]))
    assert model.graph.output[0].type.tensor_type.HasField("shape")


@pytest.mark.parametrize(("stated", "spec"), [((2, 3), (9, 9)), (("rows", 3), (None, 3))], ids=["known", "dynamic"])
def test_shapes_of_outputs_stay_where_they_are_known_or_dynamic(stated, spec):
    model = model_of([helper.make_node("Relu", ["x"], ["z"])], [info("z", stated)])
    before = model.SerializeToString(deterministic=True)
    onnx_rewrites.state_output_shapes(model, [TensorSpec(name="z", shape=spec)])
    assert model.SerializeToString(deterministic=True) == before


def unsqueezed(*axes: int) -> Any:
    """Relu(x), unsqueezed and added to itself."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Unsqueeze", ["a", "axes"], ["b"], name="expand"),
        helper.make_node("Add", ["b", "b"], ["z"]),
    ]
    return model_of(nodes, [info("z", [None] * (2 + len(axes)))], constants=[constant("axes", np.int64(axes))])


@pytest.mark.parametrize("axes", [(0, 1), (1, 3), (0, 2, 4), (-1, -2)], ids=str)
def test_unsqueezes_of_several_axes_become_reshapes(axes):
    model = rewritten(unsqueezed(*axes), onnx_rewrites.reshape_for_unsqueezes)
    assert [node.op_type for node in model.graph.node] == ["Relu", "Reshape", "Add"]
    reshape = model.graph.node[1]
    assert (reshape.name, reshape.input[0], list(reshape.output)) == ("expand", "a", ["b"])


def test_an_unsqueeze_of_one_axis_stays():
    model = rewritten(unsqueezed(1), onnx_rewrites.reshape_for_unsqueezes)
    assert [node.op_type for node in model.graph.node] == ["Relu", "Unsqueeze", "Add"]


def test_an_unsqueeze_to_open_sizes_stays():
    model = unsqueezed(0, 1)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "rows"
    rewritten(model, onnx_rewrites.reshape_for_unsqueezes)
    assert model.graph.node[1].op_type == "Unsqueeze"


def test_what_is_read_of_unknown_rank_is_taken_for_no_scalar():
    nodes = [helper.make_node("Reshape", ["x", "size"], ["a"]), helper.make_node("Unsqueeze", ["a", "axes"], ["z"])]
    model = model_of(
        nodes,
        [info("z", (1, 2, 3))],
        inputs=[info("size", ("rank",), INT64)],
        constants=[constant("axes", np.int64([0])), constant("size", np.int64([2, 3]))],
    )
    rewritten(model, onnx_rewrites.reshape_for_unsqueezes)
    assert model.graph.node[1].op_type == "Unsqueeze"


def test_constants_joined_more_than_once_become_as_many():
    row = constant("row", np.float32([[7, 8, 9]]))
    nodes = [
        helper.make_node("Concat", ["row", "x", "row"], ["a"], axis=0),
        helper.make_node("Concat", ["a", "row", "x"], ["b"], axis=0),
        helper.make_node("Add", ["b", "row"], ["z"]),
    ]
    model = rewritten(model_of(nodes, [info("z", (8, 3))], constants=[row]), onnx_rewrites.separate_joined_constants)
    first, second, add = (list(node.input) for node in model.graph.node)
    read = [name for name in (*first, *second) if name not in {"x", "a"}]
    assert len(set(read)) == len(read) == 3
    assert (first[0], first[1], second[0], second[2], add) == ("row", "x", "a", "x", ["b", "row"])


def test_constants_joined_once_stay_as_they_are():
    row = constant("row", np.float32([[7, 8, 9]]))
    nodes = [helper.make_node("Add", ["x", "row"], ["a"]), helper.make_node("Concat", ["a", "row", "a"], ["z"], axis=0)]
    model = model_of(nodes, [info("z", (5, 3))], constants=[row])
    before = model.SerializeToString(deterministic=True)
    rewritten(model, onnx_rewrites.separate_joined_constants)
    assert model.SerializeToString(deterministic=True) == before


def test_constants_multiplied_more_than_once_become_as_many():
    square = constant("square", np.float32([[1, 2, 3], [4, 5, 6], [7, 8, 9]]))
    nodes = [
        helper.make_node("MatMul", ["x", "square"], ["a"]),
        helper.make_node("MatMul", ["a", "square"], ["b"]),
        helper.make_node("Concat", ["b", "square"], ["c"], axis=0),
        helper.make_node("MatMul", ["square", "square"], ["d"]),
        helper.make_node("Concat", ["c", "d"], ["z"], axis=0),
    ]
    model = rewritten(model_of(nodes, [info("z", (8, 3))], constants=[square]), onnx_rewrites.separate_joined_constants)
    read = [name for node in model.graph.node for name in node.input if name not in {"x", "a", "b", "c", "d"}]
    assert read[0] == "square"
    assert len(set(read)) == len(read) == 5
    assert {item.name for item in model.graph.initializer} == set(read)


def test_constants_multiplied_once_and_products_of_computed_tensors_stay_as_they_are():
    square = constant("square", np.float32(np.eye(3) * 2))
    nodes = [
        helper.make_node("MatMul", ["x", "square"], ["a"]),
        helper.make_node("Transpose", ["a"], ["b"]),
        helper.make_node("MatMul", ["a", "b"], ["c"]),
        helper.make_node("MatMul", ["c", "a"], ["d"]),
        helper.make_node("Gemm", ["d", "square"], ["z"]),
    ]
    model = model_of(nodes, [info("z", (2, 3))], constants=[square])
    before = model.SerializeToString(deterministic=True)
    rewritten(model, onnx_rewrites.separate_joined_constants)
    assert model.SerializeToString(deterministic=True) == before


def test_an_input_joined_with_constants_is_read_through_a_product_with_one():
    row = constant("row", np.float32([[7, 8, 9]]))
    nodes = [
        helper.make_node("Concat", ["x", "row", "x"], ["a"], axis=0),
        helper.make_node("Concat", ["a", "row"], ["b"], axis=0),
        helper.make_node("Concat", ["x", "b"], ["z"], axis=0),
    ]
    model = rewritten(model_of(nodes, [info("z", (8, 3))], constants=[row]), onnx_rewrites.keep_inputs_out_of_joins)
    ops = [node.op_type for node in model.graph.node]
    assert ops == ["Mul", "Mul", "Concat", "Concat", "Concat"]
    assert [name for node in model.graph.node for name in node.input if name == "x"] == ["x"] * 3
    assert list(model.graph.node[4].input) == ["x", "b"]
