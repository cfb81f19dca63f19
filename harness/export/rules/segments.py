"""Sums over segments of rows, and counts of classes: products with a constant matrix of ones, and sums of one-hot rows.

tf2onnx writes the first as loops over scattered updates, which no OpenCV reads ("shapeIt != outShapes.end()"), and of
the second (Keras's CategoryEncoding) a Concat of tensors of unequal rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.rules.integers import hot_along

_MOST_ELEMENTS = 1 << 22


def _segment_sum(_node: Any, inputs: Sequence[Any]) -> Any:
    import numpy as np
    import tensorflow as tf

    x, ids = inputs[0], tf.get_static_value(inputs[1])
    count = tf.get_static_value(inputs[2]) if len(inputs) > 2 else (None if ids is None else ids.max() + 1)
    if ids is None or count is None or ids.ndim != 1 or not x.shape.is_fully_defined() or not x.dtype.is_floating:
        return None
    if ids.size * int(count) > _MOST_ELEMENTS:
        return None
    ones = (np.arange(int(count))[:, np.newaxis] == ids).astype(x.dtype.as_numpy_dtype)
    rows = tf.reshape(x, [ids.size, -1])
    return tf.reshape(tf.transpose(tf.matmul(tf.transpose(rows), ones.T)), [int(count), *x.shape.as_list()[1:]])


def _count(node: Any, inputs: Sequence[Any]) -> Any:
    """Count how often each class occurs in a row, by weight; or whether it does."""
    import tensorflow as tf

    ids, weights, size = inputs[0], inputs[2], _bounded(inputs[1])
    if size is None or not ids.shape.is_fully_defined() or not weights.shape.is_fully_defined():
        return None
    hot = tf.cast(hot_along(ids, size, ids.shape.rank), tf.as_dtype(node.attr["T"].type))
    if node.attr["binary_output"].b:
        return tf.reduce_max(hot, axis=-2)
    if weights.shape.num_elements():
        hot = hot * tf.expand_dims(tf.reshape(weights, ids.shape), -1)
    return tf.reduce_sum(hot, axis=-2)


def _bounded(size: Any) -> int | None:
    """Return a size that is known, be it as `minimum(n, maximum(n, ...))`, which Keras computes from the ids."""
    import tensorflow as tf

    value = tf.get_static_value(size)
    if value is not None:
        return int(value)
    upper, rest = _constant_of(size, "Minimum")
    lower, _ = _constant_of(rest, "Maximum") if rest is not None else (None, None)
    return upper if upper is not None and lower is not None and lower >= upper else None


def _constant_of(tensor: Any, op: str) -> tuple[int | None, Any]:
    """Return the constant and the other operand of a Minimum or Maximum."""
    import tensorflow as tf

    while tensor.op.type in {"Identity", "Cast"}:
        tensor = tensor.op.inputs[0]
    if tensor.op.type != op:
        return None, None
    for one, other in (tensor.op.inputs, reversed(tensor.op.inputs)):
        value = tf.get_static_value(one)
        if value is not None:
            return int(value), other
    return None, None


RULES = {
    "UnsortedSegmentSum": _segment_sum,
    "SegmentSum": _segment_sum,
    "DenseBincount": _count,
}
