"""One model for every batch size: ONNX's own evaluator finds it equal to each of the models it stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.errors import ExportFailedError
from harness.export.free_batch import unify

onnx: Any = pytest.importorskip("onnx")
helper: Any = pytest.importorskip("onnx.helper")
evaluation: Any = pytest.importorskip("onnx.reference")

FLOAT = 1
CONSTANT = np.arange(12, dtype=np.float32).reshape(1, 3, 4)


class Sized:
    """A model that reads x (items, 3, 4), written for one number of items as a converter writes it."""

    def __init__(self, items: int) -> None:
        self.items = items
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, op: str, *inputs: Any, **attributes: Any) -> str:
        """Add a node; arrays among its inputs become constants, named by a number that depends on the size."""
        output = f"{op}{len(self.nodes)}"
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.nodes.append(helper.make_node(op, names, [output], name=output, **attributes))
        return output

    def constant(self, value: Any) -> str:
        name = f"const_{len(self.constants) * self.items}"
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def model(self, output: str) -> Any:
        self.nodes.append(helper.make_node("Identity", [output], ["y"], name="y"))
        graph = helper.make_graph(
            self.nodes,
            "g",
            [helper.make_tensor_value_info("x", FLOAT, (self.items, 3, 4))],
            [helper.make_tensor_value_info("y", FLOAT, None)],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        graph.output[0].CopyFrom(inferred.graph.output[0])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


Build = Callable[[Sized], str]


def flattened(net: Sized) -> str:
    return net.add("Reshape", "x", np.array([net.items, 12]))


def merged_and_parted(net: Sized) -> str:
    rows = net.add("Relu", net.add("Reshape", "x", np.array([net.items * 3, 4])))
    return net.add("Reshape", rows, np.array([net.items, 3, 4]))


def cut_from_whole_batch(net: Sized) -> str:
    return net.add("Slice", "x", np.array([0, 1, 0]), np.array([net.items, 3, 4]), np.array([0, 1, 2]))


def repeated_constant_added(net: Sized) -> str:
    return net.add("Add", "x", np.repeat(CONSTANT, net.items, axis=0))


def token_in_front(net: Sized) -> str:
    return net.add("Concat", np.repeat(CONSTANT[:, :1], net.items, axis=0), "x", axis=1)


def widened_by_a_shape(net: Sized) -> str:
    return net.add("Add", "x", net.add("Expand", CONSTANT[0], np.array([net.items, 3, 4])))


def shape_used_twice(net: Sized) -> str:
    shape = net.constant(np.array([net.items, 12]))
    return net.add("Add", net.add("Reshape", "x", shape), net.add("Reshape", net.add("Relu", "x"), shape))


def nothing_to_do(net: Sized) -> str:
    return net.add("Add", "x", CONSTANT)


@pytest.mark.parametrize(
    "build",
    [
        flattened,
        merged_and_parted,
        cut_from_whole_batch,
        repeated_constant_added,
        token_in_front,
        widened_by_a_shape,
        shape_used_twice,
        nothing_to_do,
    ],
)
def test_the_joined_model_is_each_of_the_sized_ones(build: Build):
    def sized(items: int) -> Any:
        net = Sized(items)
        return net.model(build(net))

    joined = unify(sized(2), sized(3))
    onnx.checker.check_model(joined, full_check=True)
    (given,) = joined.graph.input
    assert given.type.tensor_type.shape.dim[0].dim_param == "batch"
    for items in (1, 2, 3, 7):
        x = np.random.RandomState(items).randn(items, 3, 4).astype(np.float32)
        expected, got = (
            evaluation.ReferenceEvaluator(model).run(None, {"x": x})[0] for model in (sized(items), joined)
        )
        np.testing.assert_array_equal(got, expected)


def test_names_and_the_order_of_nodes_say_nothing():
    first, second = Sized(2), Sized(3)
    a, b = first.add("Relu", "x"), first.add("Neg", "x")
    one = first.model(first.add("Sub", a, b))
    b, a = second.add("Neg", "x"), second.add("Relu", "x")
    other = second.model(second.add("Sub", a, b))
    x = np.random.RandomState(0).randn(5, 3, 4).astype(np.float32)
    got = evaluation.ReferenceEvaluator(unify(one, other)).run(None, {"x": x})[0]
    np.testing.assert_array_equal(got, np.maximum(x, 0) + x)


def differing_structure(net: Sized) -> str:
    return net.add("Relu" if net.items == 2 else "Neg", "x")


def differing_attributes(net: Sized) -> str:
    return net.add("LeakyRelu", "x", alpha=1 / net.items)


def differing_items(net: Sized) -> str:
    return net.add("Add", "x", np.arange(net.items * 12, dtype=np.float32).reshape(net.items, 3, 4))


def differing_wiring(net: Sized) -> str:
    parts = [net.add("Relu", "x"), net.add("Neg", "x")]
    return net.add("Sub", *(parts if net.items == 2 else parts[::-1]))


def one_node_for_two(net: Sized) -> str:
    part = net.add("Relu", "x")
    return net.add("Sub", part if net.items == 2 else net.add("Relu", net.add("Neg", "x")), part)


def scaled_by_the_size(net: Sized) -> str:
    return net.add("Mul", "x", np.array([1 / net.items], dtype=np.float32))


@pytest.mark.parametrize(
    "build",
    [
        differing_structure,
        differing_attributes,
        differing_items,
        differing_wiring,
        one_node_for_two,
        scaled_by_the_size,
    ],
)
def test_what_depends_on_the_batch_in_another_way_is_refused(build: Build):
    first, second = Sized(2), Sized(3)
    with pytest.raises(ExportFailedError, match="depends on the batch size"):
        unify(first.model(build(first)), second.model(build(second)))


def test_an_output_without_a_batch_is_refused_by_name():
    first, second = Sized(2), Sized(3)
    models = [net.model(net.add("ReduceSum", "x", np.array([0]), keepdims=0)) for net in (first, second)]
    with pytest.raises(ExportFailedError, match=r"'y' has shapes \[3, 4\] and \[3, 4\] .* no batch"):
        unify(*models)
