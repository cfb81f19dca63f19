"""Transposed convolutions of volumes, for OpenCV 4, which reads them and then has no way to compute them.

"Layer ... of type "Deconvolution" unsupported on OpenCV backend", or `param.get<int>(i) >= 0` where they are cut. With
zeros between the voxels they are ordinary convolutions by the kernel turned round. OpenCV 5 has its own, which is
faster: this form goes into the older opsets of the sweep alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any


def _of_spread_voxels(node: Any, inputs: Sequence[Any]) -> Any:
    import numpy as np
    import tensorflow as tf

    sizes, kernel, x = tf.get_static_value(inputs[0]), tf.get_static_value(inputs[1]), inputs[2]
    if sizes is None or kernel is None or not x.shape.is_fully_defined():
        return None
    if node.attr["data_format"].s not in {b"NDHWC", b""} or set(node.attr["dilations"].list.i) - {1}:
        return None
    strides = list(node.attr["strides"].list.i)
    pads = [[0, 0]]
    for axis in (1, 2, 3):
        taps, wanted = kernel.shape[axis - 1], int(sizes[axis])
        surplus = (int(x.shape[axis]) - 1) * strides[axis] + taps - wanted
        before = taps - 1 - (surplus // 2 if node.attr["padding"].s == b"SAME" and surplus > 0 else 0)
        x = _spread(x, axis, strides[axis])
        pads.append([before, wanted + taps - 1 - before - int(x.shape[axis])])
    x = _padded(x, [*pads, [0, 0]])
    turned = np.flip(kernel, (0, 1, 2)).swapaxes(3, 4)
    return tf.raw_ops.Conv3D(input=x, filter=tf.constant(turned), strides=[1] * 5, padding="VALID")


def _spread(x: Any, axis: int, stride: int) -> Any:
    """Return the tensor with `stride - 1` zeros behind each slice along an axis."""
    import tensorflow as tf

    if stride == 1:
        return x
    sizes = x.shape.as_list()
    before, after = prod(sizes[: axis + 1]), prod(sizes[axis + 1 :])
    slices = tf.concat([tf.reshape(x, [before, 1, after]), tf.zeros([before, stride - 1, after], x.dtype)], 1)
    return tf.reshape(slices, [*sizes[:axis], sizes[axis] * stride, *sizes[axis + 1 :]])


def _padded(x: Any, pads: list[list[int]]) -> Any:
    """Return the tensor with zeros around it; negative numbers cut from its end."""
    import tensorflow as tf

    kept = [size + min(end, 0) for size, (_, end) in zip(x.shape.as_list(), pads, strict=True)]
    x = tf.slice(x, [0] * len(kept), kept) if kept != x.shape.as_list() else x
    return tf.pad(x, [[begin, max(end, 0)] for begin, end in pads])


RULES = {"Conv3DBackpropInputV2": _of_spread_voxels}
