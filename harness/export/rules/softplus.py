"""Softplus of large values: every OpenCV up to 5.0.0 computes log(1 + exp(x)), which is infinite from 88.7 on.

From 40 on softplus(x) is x to the last bit of a double: what is above is added as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_BOUND = 40.0


def _softplus(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x = inputs[0]
    bound = tf.constant(_BOUND, x.dtype)
    return tf.math.softplus(tf.minimum(x, bound)) + tf.nn.relu(x - bound)


RULES = {"Softplus": _softplus}
