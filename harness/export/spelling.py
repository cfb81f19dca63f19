"""The last step towards a `.pb` for OpenCV: its own words, where TensorFlow has none that its importer understands.

The importer makes a layer of its own of every op that it does not know, named as the op and with its attributes, and
it believes a `data_format` on any node. So what it would have to guess (in which order the axes lie, which axis a
vector belongs to) can be said, and layers that no TensorFlow op leads to can be had. TensorFlow itself cannot read the
result; what it computes is stated op by op below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.export.passes.nodes import canonical, copy_of, node_of, rebuild

_IMAGE_RANK = 4
_MATRIX_RANK = 2
_SHAPERS = frozenset({"Reshape", "ExpandDims", "Transpose", "Const", "Identity", "Squeeze"})
"""Their layout the importer works out itself."""
_AS_IT_STANDS = b"NCHW"
"""What tells the importer to turn nothing. Without it, a matrix that an image is made of may count as one itself."""
_ARITHMETIC = {
    "Add": "add",
    "AddV2": "add",
    "Sub": "sub",
    "Mul": "mul",
    "RealDiv": "div",
    "Maximum": "max",
    "Minimum": "min",
    "Pow": "pow",
}
_OF_EQUALS = {"Add": "", "AddV2": "", "Sub": "", "Mul": "prod", "RealDiv": "div"}
"""What the importer reads rightly as long as both sides have one shape; the two with a word only after it has worked
out the shapes of all layers so far, which takes long and, on OpenCV 4, fails where there are several inputs."""

Shapes = Mapping[str, tuple[int | None, ...]]


def spelled(graph: Any) -> Any:
    """Return the GraphDef in OpenCV's words. Shapes must be static where a word depends on them."""
    shapes = static_shapes(graph)
    constants = {node.name for node in graph.node if node.op == "Const"}
    return rebuild(graph, [_spelled(copy_of(node), shapes, constants) for node in graph.node])


def static_shapes(graph: Any) -> dict[str, tuple[int | None, ...]]:
    """Return the shape of each node's first result, as TensorFlow infers it; those of unknown rank are left out."""
    import tensorflow as tf

    with tf.Graph().as_default() as holder:
        tf.graph_util.import_graph_def(graph, name="")
    return {
        operation.name: tuple(operation.outputs[0].shape.as_list())
        for operation in holder.get_operations()
        if operation.outputs and operation.outputs[0].shape.rank is not None
    }


def _spelled(node: Any, shapes: Shapes, constants: set[str]) -> Any:
    rank = len(shapes.get(node.name, ()))
    if node.op in {"Softmax", "LogSoftmax"}:
        _softmax(node, rank)
    elif node.op in _ARITHMETIC:
        _arithmetic(node, rank, shapes, constants)
    given = node.attr["data_format"].s if "data_format" in node.attr else b""  # asking for it would make one
    if given in {b"NDHWC", b"NCHW"} or node.op in _SHAPERS:
        return node
    node.attr["data_format"].s = b"NHWC" if rank == _IMAGE_RANK else _AS_IT_STANDS
    return node


def _softmax(node: Any, rank: int) -> None:
    """Name the axis of the channels, which lies second in OpenCV's images. `SoftMax` is the layer's other name."""
    node.attr["axis"].i = 1 if rank == _IMAGE_RANK else rank - 1
    if node.op == "LogSoftmax":
        node.op = "SoftMax"
        node.attr["log_softmax"].b = True


def _arithmetic(node: Any, rank: int, shapes: Shapes, constants: set[str]) -> None:
    """Name the axis of a vector; between computed tensors of different shape take the layer that broadcasts."""
    operands = [node_of(name) for name in node.input]
    fixed = [name for name in operands if name in constants]
    if fixed:
        if node.op == "Mul" and rank not in {_MATRIX_RANK, _IMAGE_RANK} and len(shapes[fixed[0]]) == 1:
            node.attr["axis"].i = rank - 1
        return
    first, second = (shapes.get(canonical(name)) if ":" not in canonical(name) else None for name in node.input)
    if node.op in _OF_EQUALS and None in {first, second}:
        return
    if node.op in _OF_EQUALS and first == second:
        if _OF_EQUALS[node.op]:
            node.attr["operation"].s, node.op = _OF_EQUALS[node.op].encode(), "Eltwise"
        return
    node.attr["operation"].s = _ARITHMETIC[node.op].encode()
    node.op = "NaryEltwise"
