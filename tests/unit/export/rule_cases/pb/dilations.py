"""Dilated convolutions of images of odd and even sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import table

_KERNEL = np.random.RandomState(1).randn(3, 2, 3, 4)
_DEEP = np.random.RandomState(2).randn(3, 3, 3, 2)
_EXPLICIT = [[0, 0], [1, 2], [3, 0], [0, 0]]
_OPTIONS = {"compiled": True, "has": (("SpaceToBatchND", 1), ("BatchToSpaceND", 1))}


def _conv(rows: int, columns: int, padding: Any = "SAME") -> Any:
    return lambda x: tf.nn.conv2d(x, tf.constant(_KERNEL, x.dtype), 1, padding, dilations=(rows, columns))


def _depthwise(rows: int, columns: int, padding: str = "SAME") -> Any:
    return lambda x: tf.raw_ops.DepthwiseConv2dNative(
        input=x,
        filter=tf.constant(_DEEP, x.dtype),
        strides=[1] * 4,
        padding=padding,
        dilations=(1, rows, columns, 1),
    )


CASES = [
    *table("Conv2D", (2, 9, 11, 3), **_OPTIONS)(
        odd_same=_conv(2, 2), odd_valid=_conv(2, 3, "VALID"), odd_explicit=_conv(3, 2, _EXPLICIT), one_way=_conv(1, 2)
    ),
    *table("Conv2D", (1, 8, 10, 3), **_OPTIONS)(
        even_same=_conv(2, 2), even_valid=_conv(3, 2, "VALID"), other_way=_conv(3, 1), far=_conv(4, 5)
    ),
    *table("DepthwiseConv2dNative", (2, 9, 10, 3), **_OPTIONS)(
        same=_depthwise(2, 2), valid=_depthwise(2, 2, "VALID"), unequal=_depthwise(3, 2)
    ),
]
LEFT_ALONE = [
    *table("Conv2D", (1, 8, 10, 3))(plain=_conv(1, 1)),
    *table("Conv2D", (1, 3, 8, 10))(
        channels_first=lambda x: tf.nn.conv2d(
            x, tf.constant(_KERNEL, x.dtype), 1, "VALID", dilations=2, data_format="NCHW"
        )
    ),
    *table("DepthwiseConv2dNative", (1, 8, 10, 3))(plain=_depthwise(1, 1)),
]
