"""Small ONNX models for real workers, written with onnx's own helper so that no binaries are stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from harness.manifests import Layout, Manifest, Port, TensorSpec

INPUT_SHAPE = (1, 5, 7, 3)
"""NHWC, all unequal: a swapped axis shows."""


def save(path: Path, nodes: list[onnx.NodeProto], inputs: dict, outputs: dict, constants: dict | None = None) -> Path:
    def described(shapes):
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]

    held = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", described(inputs), described(outputs), initializer=held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


def pointwise(path: Path) -> Path:
    """y = relu(x * 2 - 1) by a 1x1 convolution that mirrors the channels; NCHW (1, 3, 5, 7) both ways."""
    weights = (2 * np.eye(3, dtype=np.float32)[::-1]).reshape(3, 3, 1, 1)
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], name="conv", kernel_shape=[1, 1]),
        helper.make_node("Relu", ["c"], ["y"], name="relu"),
    ]
    constants = {"w": np.ascontiguousarray(weights), "b": np.full(3, -1, np.float32)}
    return save(path, nodes, {"x": (1, 3, 5, 7)}, {"y": (1, 3, 5, 7)}, constants)


def pointwise_expected(x):
    return np.maximum(x[..., ::-1] * 2 - 1, 0)


def two_in_two_out(path: Path) -> Path:
    """total = a + b, product = a * b; unnamed inputs would be refused by OpenCV 5."""
    nodes = [
        helper.make_node("Add", ["a", "b"], ["total"], name="add"),
        helper.make_node("Mul", ["a", "b"], ["product"], name="mul"),
    ]
    shape = (1, 3, 5, 7)
    return save(path, nodes, {"a": shape, "b": shape}, {"total": shape, "product": shape})


def unknown_op(path: Path) -> Path:
    """An operator that no OpenCV has: 5.x's new engine returns an empty net and raises nothing."""
    nodes = [helper.make_node("Frobnicate", ["x"], ["y"], name="f0")]
    return save(path, nodes, {"x": (1, 3, 5, 7)}, {"y": (1, 3, 5, 7)})


def port(name: str, layout: Layout = Layout.NCHW) -> Port:
    return Port(name=name, tensor=TensorSpec(name=name, shape=INPUT_SHAPE), layout=layout)


def manifest(*, inputs=("x",), outputs=("y",), layout: Layout = Layout.NCHW, form: str = "onnx") -> Manifest:
    return Manifest(
        route="onnx",
        format=form,
        file=f"model.{form}",
        inputs=tuple(port(name, layout) for name in inputs),
        outputs=tuple(port(name, layout) for name in outputs),
        weights_digest="none",
    )
