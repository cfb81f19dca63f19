"""Rewrites for the importers of OpenCV 4.5 to 4.8: ONNX's own evaluator finds no difference."""

from __future__ import annotations

import numpy as np
import pytest
from test_onnx_rewrites import constant, helper, info, model_of, onnx, rewritten, run

from harness.export import onnx_older

WEIGHTS = constant("w", np.random.RandomState(1).randn(3, 4).astype(np.float32))
BIAS = constant("b", np.float32([1, 2, 3, 4]))


def attributes(node):
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}


def test_constant_weights_are_turned_and_those_that_are_stay():
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["a"], name="a", alpha=0.5, transB=0),
        helper.make_node("Gemm", ["x", "w"], ["c"]),
        helper.make_node("Gemm", ["a", "c"], ["z"], transB=1),
    ]
    model = rewritten(model_of(nodes, [info("z", (2, 2))], constants=[WEIGHTS, BIAS]), onnx_older.turn_weights)
    assert [attributes(node) for node in model.graph.node] == [
        {"alpha": 0.5, "transB": 1},
        {"transB": 1},
        {"transB": 1},
    ]
    assert model.graph.node[2].input[1] == "c"


def test_a_bias_that_is_computed_is_added_afterwards():
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["a"]),
        helper.make_node("Gemm", ["x", "w", "a"], ["z"], name="step"),
    ]
    model = rewritten(model_of(nodes, [info("z", (2, 4))], constants=[WEIGHTS, BIAS]), onnx_older.add_computed_biases)
    assert [node.op_type for node in model.graph.node] == ["Gemm", "Gemm", "Add"]
    assert [len(node.input) for node in model.graph.node] == [3, 3, 2]


@pytest.mark.parametrize(("scale", "mode"), [(2.0, b"asymmetric"), (1.5, b"tf_half_pixel_for_nn")])
def test_repeated_pixels_need_no_half_pixels(scale, mode):
    scales = constant("scales", np.float32([1, scale * 2]))
    resize = helper.make_node(
        "Resize",
        ["x", "", "scales"],
        ["z"],
        coordinate_transformation_mode="tf_half_pixel_for_nn",
        nearest_mode="floor",
    )
    model = model_of([resize], [info("z", (2, int(scale * 2 * 3)))], constants=[scales])
    onnx_older.repeat_without_half_pixels(model)
    assert attributes(model.graph.node[0])["coordinate_transformation_mode"] == (
        b"asymmetric" if (scale * 2) % 1 == 0 else mode
    )


def test_limits_become_those_of_a_clip_up_to_opset_10():
    def limited():
        low, high = constant("low", np.float32(-0.5)), constant("high", np.float32([0.5]))
        nodes = [helper.make_node("Max", ["x", "low"], ["a"]), helper.make_node("Min", ["high", "a"], ["b"])]
        nodes += [helper.make_node("Max", ["a", "b"], ["z"]), helper.make_node("Min", ["w", "x"], ["y"])]
        row = constant("w", np.float32([[0, 0.1, 0.2]]))
        return model_of(nodes, [info("z", (2, 3)), info("y", (2, 3))], constants=[low, high, row])

    model = limited()
    before = run(model)
    model.opset_import[0].version = 10
    onnx_older.rewrite(model)
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["Clip", "Clip", "Max", "Min"]
    for old, new in zip(before, run(model), strict=True):
        np.testing.assert_array_equal(new, old)
    newer = limited()
    onnx_older.rewrite(newer)
    assert [node.op_type for node in newer.graph.node] == ["Max", "Min", "Max", "Min"]


def test_whole_factors_repeat_alike_with_either_kind_of_coordinates():
    for factor in range(1, 9):
        places = np.arange(24 * factor)
        np.testing.assert_array_equal(np.floor((places + 0.5) / factor), places // factor)
