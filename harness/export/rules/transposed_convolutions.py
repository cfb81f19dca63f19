"""Transposed convolutions that pad more behind than before, or give less or more than their kernel reaches.

OpenCV 4 refuses the first at the first forward ("Unsupported asymmetric padding in deconvolution layer") and the
others when it reads them (`param.get<int>(i) >= 0`). Without padding, and with what is too much cut off and what is
missing filled up with the zeros that nothing reaches, they are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def _without_padding(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    sizes, kernel, x = inputs
    wanted = tf.get_static_value(sizes)
    if wanted is None or not x.shape.is_fully_defined() or node.attr["data_format"].s not in {b"NHWC", b""}:
        return None
    strides, dilations = list(node.attr["strides"].list.i), list(node.attr["dilations"].list.i) or [1] * 4
    dense = _with_zeros(kernel, dilations)
    kernel, dilations = (kernel, dilations) if dense is None else (dense, [1] * 4)
    if node.attr["padding"].s not in {b"SAME", b"VALID"}:
        return None
    same = node.attr["padding"].s == b"SAME"
    full, begin, missing = [int(wanted[0])], [0], [[0, 0]]
    plain = dense is None
    for axis in (1, 2):
        size, reach = int(wanted[axis]), (int(kernel.shape[axis - 1]) - 1) * dilations[axis] + 1
        natural = (int(x.shape[axis]) - 1) * strides[axis] + reach
        surplus = natural - size
        before = surplus // 2 if same and surplus > 0 else 0
        plain = plain and surplus >= 0 and (surplus % 2 == 0 if same else surplus == 0)
        full.append(natural)
        begin.append(before)
        missing.append([0, max(-surplus, 0)])
    if plain:
        return None
    y = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.constant([*full, int(wanted[3])], tf.int32),
        filter=kernel,
        out_backprop=x,
        strides=strides,
        padding="VALID",
        dilations=dilations,
    )
    kept = [min(int(size), natural) for size, natural in zip(wanted, [*full, int(wanted[3])], strict=True)]
    if kept != y.shape.as_list():
        y = tf.slice(y, [*begin, 0], kept)
    return tf.pad(y, [*missing, [0, 0]]) if kept != wanted.tolist() else y


def _with_zeros(kernel: Any, dilations: Sequence[int]) -> Any:
    """Return a constant kernel with zeros between its taps, so that it needs no dilation; None where it has none.

    OpenCV 4 leaves dilation out of the size of the result: (1, 7, 9, 4) where it should be (1, 9, 11, 4).
    """
    import numpy as np
    import tensorflow as tf

    value = tf.get_static_value(kernel)
    if value is None or set(dilations) == {1}:
        return None
    taps = [(size - 1) * step + 1 for size, step in zip(value.shape[:2], dilations[1:3], strict=True)]
    spread = np.zeros([*taps, *value.shape[2:]], value.dtype)
    spread[:: dilations[1], :: dilations[2]] = value
    return tf.constant(spread)


RULES = {"Conv2DBackpropInput": _without_padding}
