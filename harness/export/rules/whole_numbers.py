"""Division of whole numbers, for OpenCV 4, which computes it in float32 and keeps the fraction: 7 // 2 is 3.5 there.

Positions in a list of the best are divided so, and silently become other positions. Rounded down after a division of
floats it is exact below 2^24, which is as far as OpenCV 4 can count; OpenCV 5 has whole numbers, so this form goes into
the older opsets of the sweep alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def _quotient(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, y = inputs
    if not x.dtype.is_integer:
        return None
    return tf.cast(tf.floor(tf.cast(x, tf.float32) / tf.cast(y, tf.float32)), x.dtype)


def _remainder(node: Any, inputs: Sequence[Any]) -> Any:
    quotient = _quotient(node, inputs)
    return None if quotient is None else inputs[0] - quotient * inputs[1]


RULES = {"FloorDiv": _quotient, "FloorMod": _remainder}
