"""Gathering by indices of several axes, or by a list for each item of a batch of one; and products of vectors.

tf2onnx makes GatherND of both, for which OpenCV 4 has no layer; with one number a place it is a plain Gather.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_LARGEST_INDEX = 1 << 24
"""OpenCV 4 computes indices in float32."""


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


def _of_several_items(node: Any, inputs: Sequence[Any]) -> Any:
    """Gather by one list for each of several items: along the axis that follows the batch, all items as one."""
    import numpy as np
    import tensorflow as tf

    x, indices, axis = inputs[0], inputs[1], tf.get_static_value(inputs[2])
    depth = int(node.attr["batch_dims"].i)
    if axis is None or depth < 1 or not (x.shape.is_fully_defined() and indices.shape.is_fully_defined()):
        return None
    sizes, places = x.shape.as_list(), indices.shape.as_list()
    items = int(np.prod(sizes[:depth]))
    if int(axis) % len(sizes) != depth or items * sizes[depth] > _LARGEST_INDEX:
        return None
    offsets = np.arange(items).reshape(sizes[:depth] + [1] * (len(places) - depth)) * sizes[depth]
    rows = tf.reshape(x, [items * sizes[depth], *sizes[depth + 1 :]])
    return tf.gather(rows, indices + tf.constant(offsets, indices.dtype))


def _gather(node: Any, inputs: Sequence[Any]) -> Any:
    made = _of_one_item(node, inputs)
    return _of_several_items(node, inputs) if made is None else made


def _by_several_axes(node: Any, inputs: Sequence[Any]) -> Any:
    """Gather by one number where an index has several: OpenCV 4 has no layer for GatherND."""
    import numpy as np
    import tensorflow as tf

    x, indices = inputs
    if not (x.shape.is_fully_defined() and indices.shape.is_fully_defined()) or node.attr["bad_indices_policy"].s:
        return None
    sizes, depth = x.shape.as_list(), int(indices.shape[-1])
    count = int(np.prod(sizes[:depth]))
    if not depth or count > _LARGEST_INDEX:
        return None
    flat = tf.reshape(x, [count, *sizes[depth:]])
    strides = [int(np.prod(sizes[axis + 1 : depth])) for axis in range(depth)]
    numbers = [tf.squeeze(part, -1) for part in tf.split(indices, depth, axis=-1)]
    place = numbers[-1]
    for number, stride in zip(numbers[:-1], strides[:-1], strict=True):
        place = place + number * tf.constant(stride, indices.dtype)
    return tf.gather(flat, place)


def _cross(_node: Any, inputs: Sequence[Any]) -> Any:
    """Write out the product of vectors, which ONNX does not have."""
    import tensorflow as tf

    a, b = (tf.split(tensor, 3, axis=-1) for tensor in inputs)
    pairs = ((1, 2), (2, 0), (0, 1))
    return tf.concat([a[i] * b[j] - a[j] * b[i] for i, j in pairs], axis=-1)


RULES = {"GatherV2": _gather, "GatherNd": _by_several_axes, "Cross": _cross}
