"""Dilated convolutions of sequences and images, by way of batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import table

_ROW = np.random.RandomState(1).randn(4, 3, 5)
_NINE = np.random.RandomState(3).randn(9, 3, 5)
_IMAGE = np.random.RandomState(2).randn(2, 3, 3, 2)
_BLOCKS = ("SpaceToBatchND", "BatchToSpaceND")


def _convolution(padding: str, dilation: int) -> Any:
    return lambda x: tf.nn.convolution(x, tf.constant(_ROW, x.dtype), 1, padding, dilations=dilation)


def _of_image(x: Any) -> Any:
    return tf.nn.depthwise_conv2d(x, tf.constant(_IMAGE, x.dtype), (1, 1, 1, 1), "SAME", dilations=(2, 2))


def _there_and_back(x: Any) -> Any:
    return tf.batch_to_space(tf.space_to_batch(x, (2,), ((0, 0),)) * 2, (2,), ((0, 0),))


CASES = [
    *table("BatchToSpaceND", (2, 13, 3), lacks=_BLOCKS, has=(("Conv2D", 1),))(
        same=_convolution("SAME", 2),
        same_uneven=_convolution("SAME", 3),
        valid=_convolution("VALID", 2),
        valid_farther=_convolution("VALID", 4),
        with_a_tenth_tap=lambda x: tf.nn.convolution(x, tf.constant(_NINE, x.dtype), 1, "SAME", dilations=2),
    ),
    *table("BatchToSpaceND", (1, 7, 8, 3), compiled=True, lacks=_BLOCKS, has=(("DepthwiseConv2dNative", 1),))(
        image=_of_image
    ),
]
LEFT_ALONE = table("BatchToSpaceND", (2, 8, 3))(no_convolution=_there_and_back)
