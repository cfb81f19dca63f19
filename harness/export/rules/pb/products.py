"""Matrix products: of matrices, or of batches of them in three axes, none of them transposed.

The `.pb` importer does not know BatchMatMulV2, and passes over `transpose_a`, `transpose_b`, `adj_x` and `adj_y`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from harness.export.rules.pb.shapes import cut, reshaped, transposed


def _batched(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, y = inputs
    if not (x.shape.is_fully_defined() and y.shape.is_fully_defined()):
        return None
    x = _turned(x) if node.attr["adj_x"].b else x
    y = _turned(y) if node.attr["adj_y"].b else y
    batch = tf.broadcast_static_shape(x.shape[:-2], y.shape[:-2]).as_list()
    rows, inner, columns = int(x.shape[-2]), int(x.shape[-1]), int(y.shape[-1])
    if tf.get_static_value(y) is not None and y.shape.num_elements() == inner * columns:
        flat = tf.raw_ops.MatMul(
            a=reshaped(x, [x.shape.num_elements() // inner, inner]), b=_constant(y, inner, columns)
        )
        return reshaped(flat, [*batch, rows, columns])
    if x.shape[:-2].as_list() != batch or y.shape[:-2].as_list() != batch or None in map(_computed, (x, y)):
        return None
    count = prod(batch)
    product = tf.raw_ops.BatchMatMul(x=reshaped(x, [count, rows, inner]), y=reshaped(y, [count, inner, columns]))
    wanted = [*batch, rows, columns]
    # OpenCV 4 merges an activation into it, a factor for example, and then forgets it; into what only moves it does not.
    return cut(product, 0, 0, count) if product.shape.as_list() == wanted else reshaped(product, wanted)


def _computed(tensor: Any) -> bool | None:
    return None if tensor.op.type == "Const" else True


def _constant(tensor: Any, rows: int, columns: int) -> Any:
    import tensorflow as tf

    return tf.constant(tf.get_static_value(tensor).reshape(rows, columns))


def _turned(tensor: Any) -> Any:
    rank = tensor.shape.rank
    return transposed(tensor, [*range(rank - 2), rank - 1, rank - 2])


def _plain(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    a, b = inputs
    if not (node.attr["transpose_a"].b or node.attr["transpose_b"].b):
        return None
    a = tf.transpose(a) if node.attr["transpose_a"].b else a
    value = tf.get_static_value(b)
    b = tf.constant(value.T) if value is not None and node.attr["transpose_b"].b else b
    b = tf.transpose(b) if value is None and node.attr["transpose_b"].b else b
    return tf.raw_ops.MatMul(a=a, b=b)


RULES = {"BatchMatMulV2": _batched, "BatchMatMul": _batched, "BatchMatMulV3": _batched, "MatMul": _plain}
