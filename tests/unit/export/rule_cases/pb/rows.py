"""Convolutions and poolings of sequences, as TensorFlow computes them: on images of one row."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import table

_LENGTHS = (11, 12)


def _kernel(*shape: int) -> Any:
    return np.random.RandomState(sum(shape)).randn(*shape)


def _conv(taps: int, stride: int = 1, padding: Any = "SAME", dilation: int = 1, height: int = 1) -> Any:
    def body(x: Any) -> Any:
        kernel = tf.constant(_kernel(height, taps, 3, 4), x.dtype)
        return tf.nn.conv2d(x, kernel, (1, 1, stride, 1), padding, dilations=(1, 1, dilation, 1))

    return body


def _depthwise(taps: int, stride: int = 1, padding: str = "SAME", dilation: int = 1) -> Any:
    def body(x: Any) -> Any:
        return tf.raw_ops.DepthwiseConv2dNative(
            input=x,
            filter=tf.constant(_kernel(1, taps, 3, 2), x.dtype),
            strides=(1, stride, stride, 1),
            padding=padding,
            dilations=(1, 1, dilation, 1),
        )

    return body


def _pooled(function: Any, taps: int, stride: int, padding: str) -> Any:
    return lambda x: function(x, (1, taps), (1, stride), padding)


def _transposed(taps: int, length: int, stride: int, padding: str = "SAME") -> Any:
    def body(x: Any) -> Any:
        shape = (x.shape[0], 1, length, 4)
        return tf.nn.conv2d_transpose(
            x, tf.constant(_kernel(1, taps, 4, 3), x.dtype), shape, (1, 1, stride, 1), padding
        )

    return body


_POOLINGS = {"MaxPool": tf.nn.max_pool2d, "AvgPool": tf.nn.avg_pool2d}
_TRANSPOSED = {
    "same": _transposed(3, 11, 1),
    "same_stride": _transposed(3, 22, 2),
    "same_even": _transposed(4, 22, 2),
    "valid": _transposed(3, 13, 1, "VALID"),
    "valid_stride": _transposed(4, 24, 2, "VALID"),
}

CASES = [
    *(
        case
        for length in _LENGTHS
        for rows in [table("Conv2D", (1, 1, length, 3), has=(("Conv2D", 1), ("SpaceToBatchND", 0)))]
        for case in rows(
            **{
                f"{length}_same": _conv(3),
                f"{length}_same_even": _conv(4),
                f"{length}_same_stride": _conv(3, 2),
                f"{length}_valid": _conv(3, padding="VALID"),
                f"{length}_valid_stride": _conv(4, 3, "VALID"),
                f"{length}_pointwise": _conv(1),
                f"{length}_explicit": _conv(3, 2, [[0, 0], [0, 0], [3, 1], [0, 0]]),
            }
        )
    ),
    *(
        case
        for length in _LENGTHS
        for case in table("Conv2D", (2, 1, length, 3), lacks=(), has=(("SpaceToBatchND", 1),), compiled=True)(
            **{
                f"{length}_same_dilated": _conv(3, dilation=2),
                f"{length}_valid_dilated": _conv(3, padding="VALID", dilation=3),
                f"{length}_causal": _conv(3, 1, [[0, 0], [0, 0], [4, 0], [0, 0]], 2),
            }
        )
    ),
    *table("DepthwiseConv2dNative", (2, 1, 11, 3), has=(("DepthwiseConv2dNative", 1),))(
        same=_depthwise(3), valid=_depthwise(4, padding="VALID"), same_stride=_depthwise(3, 2)
    ),
    *table("DepthwiseConv2dNative", (2, 1, 11, 3), has=(("SpaceToBatchND", 1),), compiled=True)(
        dilated=_depthwise(3, dilation=2)
    ),
    *(
        case
        for op, function in _POOLINGS.items()
        for length in _LENGTHS
        for case in table(op, (2, 1, length, 3))(
            **{
                f"{length}_{padding.lower()}_{taps}_{stride}": _pooled(function, taps, stride, padding)
                for padding in ("SAME", "VALID")
                for taps, stride in ((2, 2), (3, 2), (3, 1), (2, 3))
            }
        )
    ),
    *table("Conv2DBackpropInput", (2, 1, 11, 3))(**_TRANSPOSED),
]
LEFT_ALONE = [
    *table("Conv2D", (1, 5, 6, 3))(image=_conv(3)),
    *table("Conv2D", (1, 1, 6, 3))(
        tall=_conv(3, height=3),
        zeros_above_and_below=_conv(3, 1, [[0, 0], [1, 2], [0, 1], [0, 0]]),
        computed_kernel=lambda x: tf.nn.conv2d(x, tf.reshape(x[0, 0, :2], (1, 2, 3, 1)), 1, "SAME"),
    ),
    *table("Conv2D", (1, 1, 1, 3))(one_pixel=_conv(1)),
    *table("DepthwiseConv2dNative", (1, 3, 6, 3))(image=_depthwise(3)),
    *table("MaxPool", (1, 5, 6, 3))(image=_pooled(tf.nn.max_pool2d, 2, 2, "SAME")),
    *table("AvgPool", (1, 6, 1, 3))(column=_pooled(tf.nn.avg_pool2d, 1, 1, "SAME")),
    *table("Conv2DBackpropInput", (1, 3, 6, 3))(
        image=lambda x: tf.nn.conv2d_transpose(x, tf.constant(_kernel(1, 2, 4, 3), x.dtype), (1, 3, 6, 4), 1)
    ),
    *table("Conv2DBackpropInput", (1, 1, 6, 3))(
        taller=lambda x: tf.nn.conv2d_transpose(x, tf.constant(_kernel(2, 2, 4, 3), x.dtype), (1, 2, 12, 4), 2)
    ),
]
