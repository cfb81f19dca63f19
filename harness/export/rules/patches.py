"""Patches of images, as keras.io's ViT, Swin and Mixer cut them: `tf.image.extract_patches`.

tf2onnx makes a convolution of it whose kernel is only worked out when the network runs (EyeLike), which no OpenCV
takes. Patches side by side are the image in another order of axes; others a convolution with a constant kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def _patches(node: Any, inputs: Sequence[Any]) -> Any:
    x = inputs[0]
    size, step, rates = (list(node.attr[name].list.i)[1:3] for name in ("ksizes", "strides", "rates"))
    if not x.shape.is_fully_defined() or not x.dtype.is_floating:
        return None
    if size == step and rates == [1, 1] and all(int(x.shape[axis + 1]) % size[axis] == 0 for axis in (0, 1)):
        return _side_by_side(x, size)
    return _by_convolution(x, size, step, rates, node.attr["padding"].s.decode())


def _side_by_side(x: Any, size: Sequence[int]) -> Any:
    """Bring the rows and columns of each patch behind those of the patches; whole rows of patches at a time."""
    import tensorflow as tf

    batch, height, width, channels = x.shape.as_list()
    down, across = height // size[0], width // size[1]
    rows = tf.reshape(x, [batch * down, size[0], across, size[1] * channels])
    turned = tf.transpose(rows, (0, 2, 1, 3))
    return tf.reshape(turned, [batch, down, across, size[0] * size[1] * channels])


def _by_convolution(x: Any, size: Sequence[int], step: Sequence[int], rates: Sequence[int], padding: str) -> Any:
    import numpy as np
    import tensorflow as tf

    channels = int(x.shape[-1])
    kernel = np.eye(size[0] * size[1] * channels, dtype=x.dtype.as_numpy_dtype)
    return tf.raw_ops.Conv2D(
        input=x,
        filter=tf.constant(kernel.reshape(*size, channels, -1)),
        strides=[1, *step, 1],
        padding=padding,
        dilations=[1, *rates, 1],
    )


RULES = {"ExtractImagePatches": _patches}
