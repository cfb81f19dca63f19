"""Dilated convolutions, which TensorFlow computes by SpaceToBatchND, Conv2D and BatchToSpaceND, as one op.

tf2onnx finds the three only where none of them was rewritten; what it leaves OpenCV 4 cannot read ("shapeIt !=
outShapes.end()"). The `.pb` importer takes them for one convolution of images only ("Assertion failed: dilation.size()
== 2"), and believes the padding behind to be that before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2dNative"})
_AXES = 2
_PASSED = frozenset({"Identity", "ExpandDims", "Squeeze"})


def _one_convolution(_node: Any, inputs: Sequence[Any]) -> Any:
    """Write the three as one dilated Conv2D, of an image or of a sequence as a row."""
    import tensorflow as tf

    convolution = _above(inputs[0])
    spread = _above(convolution.inputs[0]) if convolution.type in _CONVOLUTIONS else convolution
    if spread.type != "SpaceToBatchND":
        return None
    x, kernel = spread.inputs[0], convolution.inputs[1]
    block, pads, crops = (tf.get_static_value(value) for value in (*spread.inputs[1:3], inputs[2]))
    if block is None or pads is None or crops is None or x.shape.rank != len(block) + 2 or len(block) > _AXES:
        return None
    if len(block) < _AXES and kernel.shape[0] != 1:
        return None
    missing = _AXES - len(block)
    pads = pads + block[:, None] * _own_pads(convolution)[-len(block) :]  # a row among rows `block` apart
    padded = tf.pad(x, [[0, 0], *pads.tolist(), [0, 0]])
    made = getattr(tf.raw_ops, convolution.type)(
        input=tf.expand_dims(padded, 1) if missing else padded,
        filter=kernel,
        strides=[1, 1, 1, 1],
        padding="VALID",
        dilations=[1, *[1] * missing, *(int(size) for size in block), 1],
    )
    made = tf.squeeze(made, 1) if missing else made
    begin = [0, *crops[:, 0].tolist(), 0]
    sizes = [size - cut for size, cut in zip(made.shape.as_list(), [0, *crops.sum(1).tolist(), 0], strict=True)]
    return tf.slice(made, begin, sizes) if crops.any() else made


def _own_pads(convolution: Any) -> Any:
    """Return the rows and columns of zeros that a convolution itself adds before and after (it is VALID otherwise)."""
    import numpy as np

    if convolution.get_attr("padding") != b"EXPLICIT":
        return np.zeros((_AXES, 2), np.int64)
    return np.array(convolution.get_attr("explicit_paddings")[2:6]).reshape(_AXES, 2)


def _above(tensor: Any) -> Any:
    """Return the operation that computes a tensor, past those that only reshape."""
    operation = tensor.op
    while operation.type in _PASSED:
        operation = operation.inputs[0].op
    return operation


RULES = {"BatchToSpaceND": _one_convolution}
