"""Gathering by one list of indices for each item of the batch, where the batch has one item.

tf2onnx makes GatherND of it, for which OpenCV 4 has no layer; without the batch axis it is a plain Gather.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def _of_one_item(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, indices, axis = inputs[0], inputs[1], tf.get_static_value(inputs[2])
    if node.attr["batch_dims"].i != 1 or axis is None or not x.shape.is_fully_defined() or x.shape[0] != 1:
        return None
    if not indices.shape.is_fully_defined():
        return None
    number = int(axis) % x.shape.rank
    gathered = tf.gather(tf.squeeze(x, 0), tf.reshape(indices, [-1]), axis=number - 1)
    sizes = x.shape.as_list()
    return tf.reshape(gathered, [1, *sizes[1:number], *indices.shape.as_list()[1:], *sizes[number + 1 :]])


def _cross(_node: Any, inputs: Sequence[Any]) -> Any:
    """Write out the product of vectors, which ONNX does not have."""
    import tensorflow as tf

    a, b = (tf.split(tensor, 3, axis=-1) for tensor in inputs)
    pairs = ((1, 2), (2, 0), (0, 1))
    return tf.concat([a[i] * b[j] - a[j] * b[i] for i, j in pairs], axis=-1)


RULES = {"GatherV2": _of_one_item, "Cross": _cross}
