"""Kernels of nine taps in a row, those that meet padding only, and convolutions of volumes by groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import RuleCase, table

_WIDE = np.random.RandomState(1).randn(1, 9, 3, 4)
_TALL = np.random.RandomState(2).randn(9, 1, 3, 4)
_GROUPED = np.random.RandomState(3).randn(1, 9, 2, 6)
_OF_CHANNELS = np.random.RandomState(6).randn(2, 3, 1, 6)
_SQUARE = np.random.RandomState(4).randn(3, 3, 3, 4)
_VOLUME = np.random.RandomState(5).randn(2, 1, 3, 2, 6)


_LARGE = np.random.RandomState(8).randn(5, 9, 3, 4)
_EVEN = np.random.RandomState(9).randn(2, 4, 3, 4)
_BY_CHANNEL = np.random.RandomState(10).randn(3, 3, 3, 2)


def _conv(kernel: Any, strides: Any = 1, padding: Any = "SAME", dilations: Any = 1) -> Any:
    return lambda x: tf.nn.conv2d(x, tf.constant(kernel, x.dtype), strides, padding, dilations=dilations)


def _conv3d(strides: Any = (1, 1, 1), padding: str = "SAME", dilations: Any = (1, 1, 1)) -> Any:
    return lambda x: tf.nn.conv3d(
        x, tf.constant(_VOLUME, x.dtype), (1, *strides, 1), padding, dilations=(1, *dilations, 1)
    )


def _by_channel(
    kernel: Any = _BY_CHANNEL, strides: int = 1, padding: Any = "SAME", dilations: tuple[int, int] = (1, 1)
) -> Any:
    return lambda x: tf.raw_ops.DepthwiseConv2dNative(
        input=x,
        filter=tf.constant(kernel, x.dtype),
        strides=[1, strides, strides, 1],
        padding=padding if isinstance(padding, str) else "EXPLICIT",
        explicit_paddings=[] if isinstance(padding, str) else padding,
        dilations=[1, *dilations, 1],
    )


def _thin(op: str, **bodies: Any) -> list[RuleCase]:
    """The convolution of images of one row, one column and one pixel."""
    cases = []
    options = {"lacks": (), "has": ((op, 1),), "compiled": op != "Conv2D"}
    for shape, image in (((2, 1, 7, 3), "row"), ((2, 7, 1, 3), "column"), ((2, 1, 1, 3), "pixel")):
        cases += table(op, shape, **options)(**{f"{name}_{image}": made for name, made in bodies.items()})
    return cases


_rows = table("Conv2D", (2, 21, 23, 3), lacks=(), has=(("Conv2D", 1),))
_channels = table("Conv2D", (2, 6, 8, 3), compiled=True, has=(("DepthwiseConv2dNative", 1),))
_volumes = table("Conv3D", (2, 4, 5, 7, 6), compiled=True, lacks=(), has=(("Conv3D", 3),))

CASES = [
    *_rows(
        wide_same=_conv(_WIDE),
        wide_valid=_conv(_WIDE, padding="VALID"),
        wide_strides=_conv(_WIDE, strides=(3, 2)),
        wide_strides_valid=_conv(_WIDE, strides=(2, 5), padding="VALID"),
        wide_dilated=_conv(_WIDE, dilations=(1, 2)),
        wide_dilated_valid=_conv(_WIDE, padding="VALID", dilations=(3, 2)),
        wide_stride_of_the_kernel=_conv(_WIDE, strides=(1, 9)),
        wide_explicit=_conv(_WIDE, strides=(1, 2), padding=[[0, 0], [1, 2], [3, 4], [0, 0]]),
        tall_same=_conv(_TALL),
        tall_valid=_conv(_TALL, padding="VALID"),
        tall_strides=_conv(_TALL, strides=(2, 3)),
        tall_strides_valid=_conv(_TALL, strides=(4, 1), padding="VALID"),
        tall_dilated=_conv(_TALL, dilations=(2, 1)),
        tall_dilated_valid=_conv(_TALL, padding="VALID", dilations=(2, 1)),
        tall_explicit=_conv(_TALL, padding=[[0, 0], [5, 0], [0, 2], [0, 0]]),
    ),
    *table("Conv2D", (1, 22, 20, 3), lacks=())(
        wide_uneven=_conv(_WIDE, strides=(1, 2)),
        tall_uneven=_conv(_TALL, strides=(2, 3)),
    ),
    *table("Conv2D", (1, 5, 22, 6), lacks=(), has=(("Conv2D", 1),))(wide_groups=_conv(_GROUPED, strides=(1, 2))),
    *_channels(
        channels_same=_conv(_OF_CHANNELS),
        channels_valid=_conv(_OF_CHANNELS, padding="VALID"),
        channels_uneven=_conv(_OF_CHANNELS, strides=2),
        channels_dilated=_conv(_OF_CHANNELS, dilations=(2, 3)),
        channels_explicit=_conv(_OF_CHANNELS, padding=[[0, 0], [1, 2], [3, 0], [0, 0]]),
    ),
    *table("Conv2D", (1, 5, 4, 3), lacks=())(shorter_than_the_kernel=_conv(_WIDE), same_of_rows=_conv(_TALL)),
    *_thin("Conv2D", same=_conv(_SQUARE), strides=_conv(_SQUARE, strides=2), even=_conv(_EVEN), nine=_conv(_LARGE)),
    *table("Conv2D", (2, 1, 7, 3), lacks=(), has=(("Conv2D", 1),))(
        explicit_row=_conv(_SQUARE, padding=[[0, 0], [2, 0], [1, 3], [0, 0]]),
        explicit_row_valid=_conv(_SQUARE, strides=(1, 2), padding=[[0, 0], [0, 2], [0, 0], [0, 0]]),
        dilated_along_the_row=_conv(_SQUARE, dilations=(1, 2)),
        uneven_strides_row=_conv(_SQUARE, strides=(3, 2)),
    ),
    *table("Conv2D", (2, 1, 7, 3), has=(("DepthwiseConv2dNative", 1),), compiled=True)(
        channels_row=_conv(_OF_CHANNELS),
        channels_row_strides=_conv(_OF_CHANNELS, strides=2),
        channels_row_explicit=_conv(_OF_CHANNELS, padding=[[0, 0], [1, 0], [1, 1], [0, 0]]),
    ),
    *_thin("DepthwiseConv2dNative", same=_by_channel(), strides=_by_channel(strides=2)),
    *table("DepthwiseConv2dNative", (2, 1, 7, 3), lacks=(), has=(("DepthwiseConv2dNative", 1),), compiled=True)(
        explicit_row=_by_channel(padding=[0, 0, 2, 0, 1, 3, 0, 0]),
        dilated_along_the_row=_by_channel(dilations=(1, 2)),
    ),
    *_volumes(
        same=_conv3d(),
        valid=_conv3d(padding="VALID"),
        strides=_conv3d(strides=(1, 2, 3)),
        dilated=_conv3d(dilations=(1, 2, 2)),
    ),
]
LEFT_ALONE = [
    *table("Conv2D", (1, 11, 12, 3))(
        square=_conv(_SQUARE),
        computed_kernel=lambda x: tf.nn.conv2d(x, tf.reshape(x[0, :9, 0], (9, 1, 3, 1)), 1, "SAME"),
        channels_first=lambda x: tf.nn.conv2d(
            tf.transpose(x, (0, 3, 1, 2)), tf.constant(_WIDE, x.dtype), 1, "SAME", data_format="NCHW"
        ),
    ),
    *table("Conv2D", (1, 1, 7, 3))(
        two_rows_of_one=_conv(_SQUARE, padding=[[0, 0], [2, 1], [1, 1], [0, 0]]),
        dilated_row=_conv(_SQUARE, dilations=(2, 1)),
        computed_kernel_of_a_row=lambda x: tf.nn.conv2d(x, tf.reshape(x[0, 0, :6], (3, 2, 3, 1)), 1, "SAME"),
    ),
    *table("DepthwiseConv2dNative", (1, 1, 7, 3))(
        two_rows_of_one=_by_channel(padding=[0, 0, 2, 1, 1, 1, 0, 0]),
        dilated_row=_by_channel(dilations=(2, 1)),
        taps_of_a_row=_by_channel(_BY_CHANNEL[:1]),
    ),
    *table("DepthwiseConv2dNative", (1, 2, 7, 3))(two_rows=_by_channel(), strides=_by_channel(strides=2)),
    *table("Conv3D", (1, 4, 5, 7, 2))(one_group=_conv3d()),
]
