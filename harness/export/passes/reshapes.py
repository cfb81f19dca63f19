"""Make every Reshape to or from an image start from a tensor that OpenCV knows to be NHWC.

The importer permutes around a Reshape only if it knows its input to be NHWC. Straight after a Placeholder or an
elementwise op it does not and reshapes its NCHW data as if it were NHWC: wrong numbers, no error. From a 2-D
tensor it adds the permutation but leaves it dangling, so a following convolution fails with "Number of input
channels should be multiple of 5 but got 3". A 1x1 MaxPool with stride 1 changes no value and carries
`data_format: NHWC`, which is what the importer looks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.export.layouts import Tensors, layout_of
from harness.export.passes.nodes import canonical, copy_of, rebuild
from harness.records import Layout

_FLOAT = 1
_INT32 = 3
_IMAGE_RANK = 4
_MATRIX_RANK = 2


def anchor_reshapes(graph: Any, tensors: Tensors) -> Any:
    """Return the graph in which float Reshapes to or from rank 4 have an input of known layout."""
    nodes = {node.name: node for node in graph.node}
    rewritten: list[Any] = []
    for node in graph.node:
        rewritten.extend(_anchored(node, nodes, tensors) if _is_float_reshape(node, nodes) else [node])
    return rebuild(graph, rewritten)


def _is_float_reshape(node: Any, nodes: Mapping[str, Any]) -> bool:
    return bool(
        node.op == "Reshape" and node.attr["T"].type == _FLOAT and nodes[canonical(node.input[1])].op == "Const"
    )


def _anchored(node: Any, nodes: Mapping[str, Any], tensors: Tensors) -> Iterator[Any]:
    source = canonical(node.input[0])
    before, after = tensors.ranks.get(source), tensors.ranks.get(node.name)
    if before == _IMAGE_RANK and layout_of(source, tensors) is Layout.NCHW:
        yield _max_pool(node, source)
    elif before == _MATRIX_RANK and after == _IMAGE_RANK and _is_planar(source, nodes, tensors):
        yield _shape(node)
        yield _reshape(node, source)
        yield _max_pool(node, f"{node.name}/column")
    else:
        yield node
        return
    new = copy_of(node)
    new.input[0] = f"{node.name}/image"
    yield new


def _is_planar(source: str, nodes: Mapping[str, Any], tensors: Tensors) -> bool:
    """Whether OpenCV knows a 2-D tensor to have no layout: it comes, elementwise, from a matrix product."""
    while source in tensors.steps:
        if nodes[source].op == "MatMul":
            return True
        source = tensors.steps[source].source or ""
    return False


def _max_pool(node: Any, source: str) -> Any:
    pool = type(node)(name=f"{node.name}/image", op="MaxPool", input=[source])
    pool.attr["T"].type = _FLOAT
    pool.attr["data_format"].s = b"NHWC"
    pool.attr["padding"].s = b"VALID"
    pool.attr["ksize"].list.i.extend([1, 1, 1, 1])
    pool.attr["strides"].list.i.extend([1, 1, 1, 1])
    return pool


def _shape(node: Any) -> Any:
    """One image of one pixel: OpenCV takes a shape that starts with two ones without permuting anything."""
    shape = type(node)(name=f"{node.name}/column/shape", op="Const")
    shape.attr["dtype"].type = _INT32
    tensor = shape.attr["value"].tensor
    tensor.dtype = _INT32
    tensor.tensor_shape.dim.add().size = _IMAGE_RANK
    tensor.int_val.extend([1, 1, 1, -1])
    return shape


def _reshape(node: Any, source: str) -> Any:
    column = type(node)(name=f"{node.name}/column", op="Reshape", input=[source, f"{node.name}/column/shape"])
    column.attr["T"].type = _FLOAT
    column.attr["Tshape"].type = _INT32
    return column
