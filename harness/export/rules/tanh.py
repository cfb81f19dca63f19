"""Tanh of large values: OpenCV 5.0.0 computes it as exp(2x) / exp(2x), which is NaN from 44 on.

Beyond 20 the hyperbolic tangent is 1 to the last bit of a double, so the bound changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_BOUND = 20.0


def _tanh(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x = inputs[0]
    low, high = tf.constant(-_BOUND, x.dtype), tf.constant(_BOUND, x.dtype)
    return tf.tanh(tf.raw_ops.ClipByValue(t=x, clip_value_min=low, clip_value_max=high))


RULES = {"Tanh": _tanh}
