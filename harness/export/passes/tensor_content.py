"""Write every constant's values as `tensor_content`.

TensorFlow drops the values of an all-zero or splatted tensor to a short form; OpenCV's `getTensorContent`
then asserts `!field.empty()` on the missing `float_val`/`int_val`, or reads one value where it needs many.
"""

from __future__ import annotations

from typing import Any

from harness.export.passes.nodes import copy_of, rebuild

_DT_STRING = 7


def encode_constants(graph: Any) -> Any:
    """Return the graph with explicit bytes in every Const that is not a string."""
    return rebuild(graph, (_encoded(node) if node.op == "Const" else node for node in graph.node))


def _encoded(node: Any) -> Any:
    from tensorflow.python.framework.tensor_util import MakeNdarray

    tensor = node.attr["value"].tensor
    if tensor.dtype == _DT_STRING:
        return node
    values = MakeNdarray(tensor)
    new = copy_of(node)
    explicit = new.attr["value"].tensor
    explicit.Clear()
    explicit.dtype = tensor.dtype
    explicit.tensor_shape.CopyFrom(tensor.tensor_shape)
    explicit.tensor_content = values.tobytes()
    return new
