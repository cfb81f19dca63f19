"""Convolutions that OpenCV computes wrongly, and says nothing.

5.0.0 takes every kernel of nine taps for a 3 x 3 one: 1 x 9 and 9 x 1 (any Conv1D of nine) read beyond their data.
With a tenth tap of zeros they are right. It also mixes up the groups of three-dimensional convolutions. OpenCV 4 gives
other numbers for 3 x 3 kernels by channel on images of one row or one column, which only a row of taps ever meets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_TAPS = 9


def _plane(node: Any, inputs: Sequence[Any]) -> Any:
    for rule in (by_channel, _taps_that_count, _tenth_tap):
        made = rule(node, inputs)
        if made is not None:
            return made
    return None


def _taps_that_count(node: Any, inputs: Sequence[Any]) -> Any:
    """Leave out the rows or columns of a kernel that only ever meet the padding of an image of one row or column."""
    import tensorflow as tf

    x, kernel = inputs[0], tf.get_static_value(inputs[1])
    if kernel is None or not x.shape.is_fully_defined() or node.attr["data_format"].s not in {b"NHWC", b""}:
        return None
    dilations = list(node.attr["dilations"].list.i)
    pads = explicit_pads(node, x.shape.as_list(), kernel.shape[:2])
    fewer = _without_idle_taps(kernel, x.shape.as_list(), pads, dilations)
    if fewer is kernel:
        return None
    if node.op == "Conv2D":
        fewer = _with_tenth_tap(fewer, pads, dilations)
    return getattr(tf.raw_ops, node.op)(
        input=x,
        filter=tf.constant(fewer),
        strides=list(node.attr["strides"].list.i),
        padding="EXPLICIT",
        explicit_paddings=[0, 0, *pads[0], *pads[1], 0, 0],
        dilations=dilations,
    )


def _without_idle_taps(kernel: Any, shape: Sequence[int], pads: list[list[int]], dilations: Sequence[int]) -> Any:
    """Return the kernel without what only meets padding, and take that from the pads; the same one if all counts."""
    for axis in (0, 1):
        alone = shape[axis + 1] == 1 and dilations[axis + 1] == 1
        if alone and 1 < kernel.shape[axis] == sum(pads[axis]) + 1:
            kernel = kernel.take([pads[axis][0]], axis=axis)
            pads[axis] = [0, 0]
    return kernel


def _tenth_tap(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, kernel = inputs[0], tf.get_static_value(inputs[1])
    if kernel is None or not x.shape.is_fully_defined() or node.attr["data_format"].s not in {b"NHWC", b""}:
        return None
    dilations = list(node.attr["dilations"].list.i)
    pads = explicit_pads(node, x.shape.as_list(), kernel.shape[:2])
    longer = _with_tenth_tap(kernel, pads, dilations)
    if longer is kernel:
        return None
    return tf.raw_ops.Conv2D(
        input=x,
        filter=tf.constant(longer),
        strides=list(node.attr["strides"].list.i),
        padding="EXPLICIT",
        explicit_paddings=[0, 0, *pads[0], *pads[1], 0, 0],
        dilations=dilations,
    )


def _with_tenth_tap(kernel: Any, pads: list[list[int]], dilations: Sequence[int]) -> Any:
    """Return a kernel of nine taps in a row with a tenth of zeros, and add to the pads; the same one if it is none."""
    import numpy as np

    taps = kernel.shape[:2]
    if taps[0] * taps[1] != _TAPS or taps[0] == taps[1]:
        return kernel
    longer = 0 if taps[0] > 1 else 1
    pads[longer][1] += dilations[longer + 1]
    return np.pad(kernel, [(0, int(at == longer)) for at in range(4)])


def by_channel(node: Any, inputs: Sequence[Any]) -> Any:
    """Take a convolution of one channel a group for what it is: Keras's ConvNeXt is full of them."""
    import tensorflow as tf

    x, kernel = inputs[0], tf.get_static_value(inputs[1])
    if kernel is None or kernel.shape[2] != 1 or x.shape[-1] in {None, 1}:
        return None
    if node.attr["data_format"].s not in {b"NHWC", b""} or not x.shape.is_fully_defined():
        return None
    dilations = list(node.attr["dilations"].list.i)
    pads = explicit_pads(node, x.shape.as_list(), kernel.shape[:2])
    kernel = _without_idle_taps(kernel, x.shape.as_list(), pads, dilations)
    height, width, _, results = kernel.shape
    return tf.raw_ops.DepthwiseConv2dNative(
        input=x,
        filter=tf.constant(kernel.reshape(height, width, int(x.shape[-1]), results // int(x.shape[-1]))),
        strides=list(node.attr["strides"].list.i),
        padding="EXPLICIT",
        explicit_paddings=[0, 0, *pads[0], *pads[1], 0, 0],
        dilations=dilations,
    )


def explicit_pads(node: Any, shape: list[int], taps: Sequence[int]) -> list[list[int]]:
    """Return the rows and columns of zeros before and after, as TensorFlow's padding modes define them."""
    mode = node.attr["padding"].s
    if mode == b"EXPLICIT":
        given = list(node.attr["explicit_paddings"].list.i)
        return [given[2:4], given[4:6]]
    if mode == b"VALID":
        return [[0, 0], [0, 0]]
    strides, dilations = list(node.attr["strides"].list.i), list(node.attr["dilations"].list.i)
    pads = []
    for axis in (1, 2):
        reach = (taps[axis - 1] - 1) * dilations[axis] + 1
        total = max((-(-shape[axis] // strides[axis]) - 1) * strides[axis] + reach - shape[axis], 0)
        pads.append([total // 2, total - total // 2])
    return pads


def _volume_by_groups(node: Any, inputs: Sequence[Any]) -> Any:
    import numpy as np
    import tensorflow as tf

    x, kernel = inputs
    channels, of_group = x.shape[-1], kernel.shape[3]
    if node.attr["data_format"].s not in {b"NDHWC", b""} or channels is None or channels == of_group:
        return None
    groups = int(channels) // int(of_group)
    weights = tf.get_static_value(kernel)
    if weights is None:
        return None
    parts = zip(tf.split(x, groups, axis=-1), np.split(weights, groups, axis=-1), strict=True)
    return tf.concat([_same_convolution(node, part, tf.constant(own)) for part, own in parts], axis=-1)


def _same_convolution(node: Any, x: Any, kernel: Any) -> Any:
    import tensorflow as tf

    return tf.raw_ops.Conv3D(
        input=x,
        filter=kernel,
        strides=list(node.attr["strides"].list.i),
        padding=node.attr["padding"].s.decode(),
        dilations=list(node.attr["dilations"].list.i) or [1] * 5,
    )


RULES = {"Conv2D": _plane, "DepthwiseConv2dNative": _taps_that_count, "Conv3D": _volume_by_groups}
