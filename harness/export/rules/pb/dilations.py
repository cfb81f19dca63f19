"""Dilated convolutions of sequences, which TensorFlow computes by SpaceToBatchND, Conv2D and BatchToSpaceND.

The `.pb` importer takes these three for one convolution of images only ("Assertion failed: dilation.size() == 2").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.rules.pb.shapes import cut, reshaped

_PASSED = frozenset({"Identity", "Reshape", "Transpose", "ExpandDims", "Squeeze"})


def _one_convolution(_node: Any, inputs: Sequence[Any]) -> Any:
    """Write the three as a dilated Conv2D of columns."""
    import tensorflow as tf

    convolution = _above(inputs[0])
    spread = _above(convolution.inputs[0]) if convolution is not None and convolution.type in _CONVOLUTIONS else None
    if spread is None or spread.type != "SpaceToBatchND":
        return None
    x, block, pads = spread.inputs[0], tf.get_static_value(spread.inputs[1]), tf.get_static_value(spread.inputs[2])
    crops, kernel = tf.get_static_value(inputs[2]), tf.get_static_value(convolution.inputs[1])
    if block is None or len(block) != 1 or kernel is None or x.shape.rank != 3 or kernel.shape[0] != 1:
        return None
    before, after = (int(size) for size in pads[0])
    batch, length, channels = x.shape.as_list()
    column = tf.pad(reshaped(x, [batch, length, 1, channels]), [[0, 0], [before, after], [0, 0], [0, 0]])
    made = getattr(tf.raw_ops, convolution.type)(
        input=column,
        filter=tf.constant(kernel.transpose(1, 0, 2, 3)),
        strides=[1, 1, 1, 1],
        padding="VALID",
        dilations=[1, int(block[0]), 1, 1],
    )
    kept = cut(made, 1, int(crops[0][0]), int(made.shape[1]) - int(crops.sum()))
    return reshaped(kept, [batch, int(kept.shape[1]), int(kept.shape[3])])


_CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2dNative"})


def _above(tensor: Any) -> Any:
    """Return the operation that computes a tensor, past those that only reshape."""
    operation = tensor.op
    while operation.type in _PASSED:
        operation = operation.inputs[0].op
    return operation


RULES = {"BatchToSpaceND": _one_convolution}
