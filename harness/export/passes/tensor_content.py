"""Write every constant's values out: as `tensor_content`, single integers as `int_val`.

TensorFlow drops the values of an all-zero or splatted tensor to a short form; OpenCV's `getTensorContent`
then asserts `!field.empty()` on the missing `float_val`/`int_val`, or reads one value where it needs many.
The axes of Split, ConcatV2 and ExpandDims it reads as `int_val().Get(0)` unchecked: a segmentation fault when the
value lies in `tensor_content`.
"""

from __future__ import annotations

from typing import Any

from harness.export.passes.nodes import copy_of, rebuild

_DT_INT32 = 3
_DT_STRING = 7


def encode_constants(graph: Any) -> Any:
    """Return the graph with explicit values in every Const that is not a string."""
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
    if tensor.dtype == _DT_INT32 and values.size == 1:
        explicit.int_val.append(int(values.reshape(-1)[0]))
    else:
        explicit.tensor_content = values.tobytes()
    return new
