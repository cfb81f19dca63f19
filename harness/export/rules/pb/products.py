"""Matrix products: of matrices, or of batches of them in three axes, none of them transposed.

The `.pb` importer does not know BatchMatMulV2, and passes over `transpose_a`, `transpose_b`, `adj_x` and `adj_y`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from harness.export.rules.pb.arithmetic import enlarged
from harness.export.rules.pb.shapes import cut, joined, reshaped, transposed

_MOST_MATRICES = 64


def _batched(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, y = inputs
    if not (x.shape.is_fully_defined() and y.shape.is_fully_defined()):
        return None
    x = _turned(x) if node.attr["adj_x"].b else x
    y = _turned(y) if node.attr["adj_y"].b else y
    wanted = [*tf.broadcast_static_shape(x.shape[:-2], y.shape[:-2]).as_list(), int(x.shape[-2]), int(y.shape[-1])]
    if tf.get_static_value(y) is not None and y.shape.num_elements() == int(y.shape[-2]) * wanted[-1]:
        return reshaped(_by_matrix(x, y), wanted)
    if tf.get_static_value(x) is not None and x.shape.num_elements() == int(x.shape[-1]) * wanted[-2]:
        matrix = tf.constant(tf.get_static_value(x).reshape(wanted[-2], -1).T)
        return reshaped(
            _turned(reshaped(_by_matrix(_turned(y), matrix), [*wanted[:-2], wanted[-1], wanted[-2]])), wanted
        )
    count = prod(wanted[:-2])
    if "Const" in {x.op.type, y.op.type}:
        return reshaped(_one_by_one(x, y, wanted), wanted) if count <= _MOST_MATRICES else None
    x, y = (enlarged(operand, [*wanted[:-2], *operand.shape.as_list()[-2:]]) for operand in (x, y))
    stacked = [reshaped(operand, [count, *operand.shape.as_list()[-2:]]) for operand in (x, y)]
    product = tf.raw_ops.BatchMatMul(x=stacked[0], y=stacked[1])
    # OpenCV 4 merges an activation (or a factor) into the product and then forgets it; into a slice it does not.
    return cut(product, 0, 0, count) if product.shape.as_list() == wanted else reshaped(product, wanted)


def _by_matrix(x: Any, y: Any) -> Any:
    """Return the product of all rows with one constant matrix."""
    import tensorflow as tf

    inner, columns = (int(size) for size in y.shape[-2:])
    matrix = tf.constant(tf.get_static_value(y).reshape(inner, columns))
    return tf.raw_ops.MatMul(a=reshaped(x, [x.shape.num_elements() // inner, inner]), b=matrix)


def _one_by_one(x: Any, y: Any, wanted: list[int]) -> Any:
    """Return the products of computed matrices with constant ones, (count, rows, columns): each is a MatMul of its own.

    The importer makes no blob of a constant for BatchMatMul.
    """
    import numpy as np
    import tensorflow as tf

    if x.op.type == "Const":  # x y = (y' x')'
        turned = _one_by_one(_turned(y), _turned(x), [*wanted[:-2], wanted[-1], wanted[-2]])
        return _turned(turned)
    rows, inner = (int(size) for size in x.shape[-2:])
    matrices = np.broadcast_to(tf.get_static_value(y), [*wanted[:-2], *y.shape.as_list()[-2:]])
    matrices = matrices.reshape(-1, *matrices.shape[-2:])
    stack = reshaped(enlarged(x, [*wanted[:-2], rows, inner]), [len(matrices), rows, inner])
    parts = [
        tf.raw_ops.MatMul(a=reshaped(cut(stack, 0, item, 1), [rows, inner]), b=tf.constant(matrix))
        for item, matrix in enumerate(matrices)
    ]
    return joined([reshaped(part, [1, rows, wanted[-1]]) for part in parts], 0)


def _turned(tensor: Any) -> Any:
    import tensorflow as tf

    value, rank = tf.get_static_value(tensor), tensor.shape.rank
    if value is not None:
        return tf.constant(value.swapaxes(-1, -2))
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
