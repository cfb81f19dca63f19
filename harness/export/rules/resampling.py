"""Resizing by area, bicubic, Lanczos and antialiased filters, as a matrix product along each axis.

tf2onnx has no conversion for ScaleAndTranslate and makes linear interpolation of ResizeArea; what it makes of
ResizeBicubic computes the filter's weights anew, where TensorFlow looks them up in a table of 1024: 1e-3 apart. The
weights here are TensorFlow's own: each op is run once on the unit vectors of an axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.export.rules.contractions import contract


def _resized(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, size = inputs[0], tf.get_static_value(inputs[1])
    more = [tf.get_static_value(tensor) for tensor in inputs[2:]]
    if size is None or any(value is None for value in more) or not x.shape.is_fully_defined():
        return None
    y = tf.cast(x, tf.float32)
    for axis, equation in ((0, "nhwc,ih->niwc"), (1, "nhwc,jw->nhjc")):
        length, wanted = int(x.shape[axis + 1]), int(size[axis])
        if length == wanted and not more:
            continue
        weights = _weights(node, axis, length, wanted, [value[axis] for value in more])
        y = contract(equation, y, tf.constant(weights))
    return y


def _weights(node: Any, axis: int, length: int, wanted: int, more: list[Any]) -> Any:
    """Return the (wanted, length) matrix by which the op takes one axis to its new size."""
    import tensorflow as tf

    units = np.eye(length, dtype=np.float32).reshape(1, length, 1, length)
    with tf.Graph().as_default() as holder, tf.compat.v1.Session(graph=holder) as session:
        image = tf.constant(units if axis == 0 else units.transpose(0, 2, 1, 3))
        size = [wanted, 1] if axis == 0 else [1, wanted]
        made = _same_op(node, image, tf.constant(size, tf.int32), axis, more)
        return np.asarray(session.run(made)).reshape(wanted, length)


def _same_op(node: Any, image: Any, size: Any, axis: int, more: list[Any]) -> Any:
    import tensorflow as tf

    if node.op == "ResizeBicubic":
        return tf.raw_ops.ResizeBicubic(
            images=image,
            size=size,
            align_corners=node.attr["align_corners"].b,
            half_pixel_centers=node.attr["half_pixel_centers"].b,
        )
    if node.op == "ResizeArea":
        return tf.raw_ops.ResizeArea(images=image, size=size, align_corners=node.attr["align_corners"].b)
    scale, translation = ([value, 1.0] if axis == 0 else [1.0, value] for value in more)
    translation = [value if at == axis else 0.0 for at, value in enumerate(translation)]
    return tf.raw_ops.ScaleAndTranslate(
        images=image,
        size=size,
        scale=tf.constant(scale, tf.float32),
        translation=tf.constant(translation, tf.float32),
        kernel_type=node.attr["kernel_type"].s.decode(),
        antialias=node.attr["antialias"].b,
    )


RULES = {"ResizeArea": _resized, "ResizeBicubic": _resized, "ScaleAndTranslate": _resized}
