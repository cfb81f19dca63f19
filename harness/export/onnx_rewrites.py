"""Rewrites of an ONNX model that tf2onnx wrote, each for an importer that reads it wrongly otherwise. All exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.manifests import TensorSpec


def drop_dangling_inputs(model: Any) -> None:
    """Remove graph inputs that no node reads: `setInput` without a name fails on OpenCV 5 when there are several."""
    used = _names_read(model.graph)
    kept = [value for value in model.graph.input if value.name in used]
    del model.graph.input[:]
    model.graph.input.extend(kept)


def _names_read(graph: Any) -> set[str]:
    """Return the tensors that nodes read or that are results, also those that the bodies of loops take from outside."""
    names = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    bodies = [body for node in graph.node for item in node.attribute for body in (item.g, *item.graphs)]
    return names.union(*(_names_read(body) for body in bodies))


def state_output_shapes(model: Any, specs: Sequence[TensorSpec]) -> None:
    """Write the outputs' shapes where the converter lost them: OpenCV 5 asserts `tensor.has_shape()` on each."""
    for value, spec in zip(model.graph.output, specs, strict=False):
        tensor = value.type.tensor_type
        if None in spec.shape or (tensor.HasField("shape") and all(axis.dim_value for axis in tensor.shape.dim)):
            continue
        tensor.shape.Clear()
        tensor.shape.SetInParent()  # a scalar has a shape of no axes
        for size in spec.shape:
            tensor.shape.dim.add().dim_value = size or 0


def reshape_for_unsqueezes(model: Any) -> None:
    """Write an Unsqueeze of several axes as a Reshape to the known shape.

    OpenCV 4 has none for computed tensors ("Multidimensional Unsqueeze"). Of a single axis it has, and knows patterns
    around it, such as the one for repeated rows.
    """
    import numpy as np
    import onnx

    shapes = known_shapes(model)
    for index, node in enumerate(model.graph.node):
        if node.op_type != "Unsqueeze":
            continue
        before, shape = shapes.get(node.input[0]), shapes.get(node.output[0])
        if before is None or shape is None or len(shape) - len(before) < 2:
            continue
        name = f"{node.output[0]}/shape"
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(shape, np.int64), name))
        reshape = onnx.helper.make_node("Reshape", [node.input[0], name], list(node.output), name=node.name)
        model.graph.node[index].CopyFrom(reshape)


def separate_joined_constants(model: Any) -> None:
    """Give each place in a Concat or MatMul its own copy of a constant.

    OpenCV 4 makes a layer of it, named as the constant, and a second one for its second use: "already into net".
    """
    constants = {item.name: item for item in model.graph.initializer}
    seen: set[str] = set()
    for node in model.graph.node:
        for index, name in enumerate(node.input if node.op_type in {"Concat", "MatMul"} else ()):
            if name in constants and name in seen:
                copy = model.graph.initializer.add()
                copy.CopyFrom(constants[name])
                copy.name = f"{node.output[0]}/constant_{index}"
                node.input[index] = copy.name
            seen.add(name)


def keep_inputs_out_of_joins(model: Any) -> None:
    """Let a Concat that joins a graph input with constants read the input's product with one.

    OpenCV 4 makes the parts of a Concat along the first axis longer than one write into its result themselves. A
    network's input does, but then the constants beside it never do: their places hold whatever was in memory.
    """
    import numpy as np
    import onnx

    constants = {item.name for item in model.graph.initializer}
    inputs = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    nodes = []
    for node in model.graph.node:
        joins = node.op_type == "Concat" and constants.intersection(node.input)
        for place, name in enumerate(node.input if joins else ()):
            if name in inputs:
                one, product = f"{node.output[0]}/one_{place}", f"{node.output[0]}/input_{place}"
                value = np.ones((), onnx.helper.tensor_dtype_to_np_dtype(inputs[name]))
                model.graph.initializer.append(onnx.numpy_helper.from_array(value, one))
                nodes.append(onnx.helper.make_node("Mul", [name, one], [product], name=product))
                node.input[place] = product
        nodes.append(node)
    if len(nodes) != len(model.graph.node):
        kept = [type(node).FromString(node.SerializeToString()) for node in nodes]
        del model.graph.node[:]
        model.graph.node.extend(kept)


def known_shapes(model: Any) -> dict[str, list[int]]:
    """Return the shapes of all tensors that ONNX's shape inference finds whole."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model)
    found = {}
    for value in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output):
        sizes = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        if value.type.tensor_type.HasField("shape") and all(sizes):
            found[value.name] = sizes
    return found
