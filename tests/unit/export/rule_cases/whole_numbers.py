"""Quotients and remainders of whole numbers, of either sign."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.unit.export.graph_cases import table

_NUMBERS = ((-16777215.0, -9.0, -7.0, -1.0, 0.0, 1.0, 7.0, 9.0, 16777215.0),)
_DIVISORS = (-7, -2, -1, 1, 2, 3, 7, 4096)


def _by_all(divide: Any) -> Any:
    return lambda x: [divide(tf.cast(x, tf.int32), tf.constant(divisor)) for divisor in _DIVISORS]


CASES = [
    *table("FloorDiv", (9,), values=_NUMBERS)(quotients=lambda x: tf.stack(_by_all(tf.math.floordiv)(x))),
    *table("FloorMod", (9,), values=_NUMBERS)(remainders=lambda x: tf.stack(_by_all(tf.math.floormod)(x))),
]
LEFT_ALONE = [
    *table("FloorDiv", (4,))(floats=lambda x: tf.math.floordiv(x, 0.3)),
    *table("FloorMod", (4,))(floats=lambda x: tf.math.floormod(x, 0.3)),
]
