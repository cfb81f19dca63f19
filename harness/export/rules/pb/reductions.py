"""Reductions that the `.pb` importer cannot read ("Unsupported mode of reduce_mean or reduce_sum operation").

It pools over height and width of an image, and over one axis of it. Everything else is made a matrix, of which a sum is
a product with ones, and a maximum a pooling over rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from harness.export.rules.pb.arithmetic import multiplied
from harness.export.rules.pb.shapes import reshaped, transposed

_IMAGE_RANK = 4


def _reduce(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, axes = inputs[0], tf.get_static_value(inputs[1])
    if axes is None or not x.shape.is_fully_defined() or not x.dtype.is_floating:
        return None
    sizes = x.shape.as_list()
    wanted = sorted({int(axis) % len(sizes) for axis in axes.reshape(-1)})
    keep = [1 if axis in wanted else size for axis, size in enumerate(sizes)]
    final = keep if node.attr["keep_dims"].b else [size for axis, size in enumerate(sizes) if axis not in wanted]
    if not final or not wanted:
        return None
    if node.op == "Min":
        negative = _reduced("Max", multiplied(x, -1), wanted, keep)
        return reshaped(multiplied(negative, -1), final)
    return reshaped(_reduced(node.op, x, wanted, keep), final)


def _reduced(op: str, x: Any, axes: list[int], keep: list[int]) -> Any:
    """Return the reduction in its shape with ones."""
    if x.shape.rank == _IMAGE_RANK and axes == [1, 2]:
        return _by_op(op, x, axes)
    sizes = x.shape.as_list()
    others = [axis for axis in range(len(sizes)) if axis not in axes]
    turned = transposed(x, [*others, *axes])
    rows, columns = prod(sizes[axis] for axis in others), prod(sizes[axis] for axis in axes)
    return reshaped(_of_rows(op, reshaped(turned, [rows, columns])), keep)


def _by_op(op: str, x: Any, axes: list[int]) -> Any:
    import tensorflow as tf

    reduce: Any = getattr(tf, {"Mean": "reduce_mean", "Sum": "reduce_sum", "Max": "reduce_max"}[op])
    return reduce(x, axis=axes, keepdims=True)


def _of_rows(op: str, matrix: Any) -> Any:
    import numpy as np
    import tensorflow as tf

    rows, columns = matrix.shape.as_list()
    if op == "Max":
        image = reshaped(matrix, [1, rows, columns, 1])
        return tf.raw_ops.MaxPool(
            input=image, ksize=[1, 1, columns, 1], strides=[1, 1, 1, 1], padding="VALID", data_format="NHWC"
        )
    ones = np.full((columns, 1), 1 / columns if op == "Mean" else 1, matrix.dtype.as_numpy_dtype)
    return tf.raw_ops.MatMul(a=matrix, b=tf.constant(ones))


RULES = dict.fromkeys(("Mean", "Sum", "Max", "Min"), _reduce)
