"""Rewrites of an ONNX model for importers of OpenCV 4.5 to 4.8, applied at the older opsets alone. All exact.

Newer releases read what tf2onnx writes, and read it faster; an older opset is only tried where that does not work.
"""

from __future__ import annotations

from typing import Any

from harness.export.onnx_rewrites import known_shapes

_LAST_WITH_CLIP_ATTRIBUTES = 10


def rewrite(model: Any) -> None:
    """Apply all of them, in place."""
    add_computed_biases(model)
    turn_weights(model)
    repeat_without_half_pixels(model)
    if _opset(model) <= _LAST_WITH_CLIP_ATTRIBUTES:
        clip_by_attributes(model)


def add_computed_biases(model: Any) -> None:
    """Add what is no constant to a Gemm after it: up to 4.8 the importer looks for a Gemm's bias among constants.

    tf2onnx joins the two products of a recurrent step that way.
    """
    import onnx

    constants = {item.name: item for item in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        nodes.append(node)
        if node.op_type != "Gemm" or len(node.input) < 3 or node.input[2] in constants:
            continue
        if node.input[1] in constants and _attribute(node, "beta", 1.0) == 1.0:
            product, total, bias = f"{node.output[0]}/product", node.output[0], node.input[2]
            node.input[2] = f"{node.output[0]}/no_bias"  # up to opset 10 there has to be one
            outputs = constants[node.input[1]].dims[0 if _attribute(node, "transB", 0) else 1]
            model.graph.initializer.append(_constant(node.input[2], [0.0] * outputs))
            node.output[0] = product
            nodes.append(onnx.helper.make_node("Add", [product, bias], [total], name=total))
    _replace_nodes(model, nodes)


def turn_weights(model: Any) -> None:
    """Write constant weights of a Gemm as rows of outputs, `transB = 1`, as PyTorch does.

    Up to 4.6 the importer counts the outputs along the first axis whatever `transB` says, and then refuses the bias.
    """
    import numpy as np
    import onnx

    constants = {item.name: item for item in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "Gemm" or node.input[1] not in constants or _attribute(node, "transB", 0):
            continue
        turned = np.ascontiguousarray(onnx.numpy_helper.to_array(constants[node.input[1]]).T)
        name = f"{node.output[0]}/weights"
        model.graph.initializer.append(onnx.numpy_helper.from_array(turned, name))
        node.input[1] = name
        _set(node, "transB", 1)


def repeat_without_half_pixels(model: Any) -> None:
    """Write a Resize that repeats each element a whole number of times with `asymmetric` coordinates.

    Up to 4.7 the importer does not know `tf_half_pixel_for_nn`. For whole factors floor((i + 1/2) / f) is floor(i / f).
    """
    shapes = known_shapes(model)
    for node in model.graph.node:
        if node.op_type != "Resize" or _attribute(node, "mode", b"nearest") != b"nearest":
            continue
        if _attribute(node, "coordinate_transformation_mode", b"") != b"tf_half_pixel_for_nn":
            continue
        before, after = shapes.get(node.input[0]), shapes.get(node.output[0])
        whole = before and after and all(new % old == 0 for old, new in zip(before, after, strict=True))
        if whole and _attribute(node, "nearest_mode", b"round_prefer_floor") == b"floor":
            _set(node, "coordinate_transformation_mode", "asymmetric")


def clip_by_attributes(model: Any) -> None:
    """Write the larger or smaller of a tensor and one constant number as a Clip.

    Up to 4.6 the importer takes an elementwise maximum of computed tensors only; Clip has its limits as attributes up
    to opset 10, as those releases want it.
    """
    import onnx

    numbers = {item.name: item for item in model.graph.initializer if all(size == 1 for size in item.dims)}
    shapes = known_shapes(model)
    for node in model.graph.node:
        limits = [name for name in node.input if name in numbers]
        if node.op_type not in {"Max", "Min"} or len(node.input) != 2 or len(limits) != 1:
            continue
        value = onnx.numpy_helper.to_array(numbers[limits[0]])
        given = next(name for name in node.input if name not in numbers)
        if value.dtype == "float32" and len(value.shape) <= len(shapes.get(given, ())):
            clip = onnx.helper.make_node("Clip", [given], list(node.output), name=node.name)
            clip.attribute.append(
                onnx.helper.make_attribute("min" if node.op_type == "Max" else "max", float(value.flat[0]))
            )
            node.CopyFrom(clip)


def _constant(name: str, values: list[float]) -> Any:
    import numpy as np
    import onnx

    return onnx.numpy_helper.from_array(np.array(values, np.float32), name)


def _opset(model: Any) -> int:
    return next(int(item.version) for item in model.opset_import if item.domain in {"", "ai.onnx"})


def _attribute(node: Any, name: str, default: Any) -> Any:
    import onnx

    return next((onnx.helper.get_attribute_value(item) for item in node.attribute if item.name == name), default)


def _set(node: Any, name: str, value: Any) -> None:
    import onnx

    kept = [item for item in node.attribute if item.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])


def _replace_nodes(model: Any, nodes: list[Any]) -> None:
    if len(nodes) != len(model.graph.node):
        kept = [type(node).FromString(node.SerializeToString()) for node in nodes]
        del model.graph.node[:]
        model.graph.node.extend(kept)
