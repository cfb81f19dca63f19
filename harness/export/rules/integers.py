"""Steps between numbers and classes: casts, one-hot vectors, buckets.

OpenCV 4 computes in float32 alone: a cast to integers is nothing there, so the fraction must be cut off before. It has
no layer for OneHot; ONNX has no Bucketize.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def _cast(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, to = inputs[0], tf.as_dtype(_node.attr["DstT"].type)
    if not x.dtype.is_floating or not to.is_integer or _is_whole(x):
        return None
    return tf.cast(tf.sign(x) * tf.floor(tf.abs(x)), to)


def _is_whole(tensor: Any) -> bool:
    """Whether a float is one in name only."""
    operation = tensor.op
    return operation.type in {"Floor", "Ceil", "Round"} or (
        operation.type == "Cast" and not operation.inputs[0].dtype.is_floating
    )


def _one_hot(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    ids, depth = inputs[0], tf.get_static_value(inputs[1])
    if depth is None or ids.shape.rank is None:
        return None
    hot = hot_along(ids, int(depth), int(node.attr["axis"].i) % (ids.shape.rank + 1))
    on, off = (tf.cast(value, tf.float32) for value in inputs[2:4])
    given = [tf.get_static_value(value) for value in inputs[2:4]]
    if given != [1, 0]:
        hot = hot * (on - off) + off
    return tf.cast(hot, inputs[2].dtype)


def hot_along(ids: Any, depth: int, axis: int) -> Any:
    """Return max(0, 1 - |id - class|), along a new axis: for whole numbers 1 for the class and 0 for the others."""
    import numpy as np
    import tensorflow as tf

    shape = [1] * (ids.shape.rank + 1)
    shape[axis] = depth
    classes = np.arange(depth, dtype=np.float32).reshape(shape)
    return tf.nn.relu(1 - tf.abs(tf.expand_dims(tf.cast(ids, tf.float32), axis) - classes))


def _bucketize(node: Any, inputs: Sequence[Any]) -> Any:
    """Count the boundaries that are not above the value: that is the bucket's number."""
    import tensorflow as tf

    boundaries = tf.constant(list(node.attr["boundaries"].list.f), tf.float32)
    x = tf.expand_dims(tf.cast(inputs[0], tf.float32), -1)
    passed = tf.cast(x >= boundaries, tf.float32)
    return tf.cast(tf.reduce_sum(passed, -1), tf.int32)


RULES = {"Cast": _cast, "OneHot": _one_hot, "Bucketize": _bucketize}
