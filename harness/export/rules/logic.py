"""Conditions: what OpenCV 4 has no layer for (And, Or, IsNaN, IsInf), and what ONNX has no op for (Bitcast).

Its importer also refuses the constant booleans ("Unsupported data type: BOOL in getMatFromTensor") that masks are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.rules.broadcasts import levelled

_INT32 = 3
_LEAST_INT32 = -(2**31)


def _and(_node: Any, inputs: Sequence[Any]) -> Any:
    return _count(inputs) > 1.5


def _or(_node: Any, inputs: Sequence[Any]) -> Any:
    return _count(inputs) > 0.5


def _count(inputs: Sequence[Any]) -> Any:
    """Return how many of two conditions hold."""
    import tensorflow as tf

    one, other = levelled(inputs)
    return tf.cast(one, tf.float32) + tf.cast(other, tf.float32)


def _is_nan(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.raw_ops.NotEqual(x=inputs[0], y=inputs[0])


def _is_inf(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.raw_ops.Equal(x=tf.abs(inputs[0]), y=tf.constant(float("inf"), inputs[0].dtype))


def _is_finite(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.abs(inputs[0]) < tf.constant(float("inf"), inputs[0].dtype)


def _sign_bit(_node: Any, inputs: Sequence[Any]) -> Any:
    """`bitcast(x) & 0x80000000 < 0`, by which Keras's argmax knows -0.0: the reciprocal of that is -infinity."""
    import tensorflow as tf

    masked = inputs[0].op
    if masked.type != "BitwiseAnd" or masked.inputs[0].op.type != "Bitcast":
        return None
    bits, mask, zero = masked.inputs[0].op, tf.get_static_value(masked.inputs[1]), tf.get_static_value(inputs[1])
    if bits.inputs[0].dtype != tf.float32 or mask != _LEAST_INT32 or zero != 0:
        return None
    x = bits.inputs[0]
    return tf.minimum(x, 1 / x) < 0


def _chosen(_node: Any, inputs: Sequence[Any]) -> Any:
    """Choose by arithmetic where the mask is constant, assuming finite values on the side that is not chosen."""
    import tensorflow as tf

    condition, then, otherwise = levelled(inputs)
    mask = tf.get_static_value(condition)
    if mask is None or not then.dtype.is_floating:
        return None
    return _masked(then, mask) + _masked(otherwise, ~mask)


def _masked(x: Any, mask: Any) -> Any:
    """Return the tensor with zeros outside the mask; a constant may be infinite there."""
    import numpy as np
    import tensorflow as tf

    value, dtype = tf.get_static_value(x), x.dtype.as_numpy_dtype
    return x * mask.astype(dtype) if value is None else tf.constant(np.where(mask, value, 0).astype(dtype))


RULES = {
    "LogicalAnd": _and,
    "LogicalOr": _or,
    "IsNan": _is_nan,
    "IsInf": _is_inf,
    "IsFinite": _is_finite,
    "Less": _sign_bit,
    "SelectV2": _chosen,
}
