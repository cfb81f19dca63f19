"""Conditions: flags, numbers that are none, signs of zeros, choices by constant masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import table

_INF, _NAN = float("inf"), float("nan")
_SPECIAL = ((-_INF, -1e30, -1.0, -0.0, 0.0, 1.0, 1e30, _INF, _NAN),)
_SIGNED = (np.float32([-_INF, -1e30, -1, -1e-38, -1e-42, -1e-45, -0.0, 0, 1e-45, 1e-42, 1e-38, 1, 1e30, _INF]),)
_flags = table("LogicalAnd", (2, 3, 4), (2, 3, 4), has=(("Greater", 3),))
_either = table("LogicalOr", (2, 3, 4), (2, 3, 4), has=(("Greater", 3),))
_flags_of_ranks = table("LogicalAnd", (2, 3, 4), (2, 3, 4), has=(("Greater", 3), ("Reshape", 1)))
_either_of_ranks = table("LogicalOr", (2, 3, 4), (2, 3, 4), has=(("Greater", 3), ("Reshape", 1)))
_MASK = np.random.RandomState(7).rand(3, 1, 5) > 0.5
_ROW = np.array([True, False, False, True, True])
_chosen = table("SelectV2", (2, 3, 4, 5), (2, 3, 4, 5))
_chosen_of_ranks = table("SelectV2", (2, 3, 4, 5), (2, 3, 4, 5), has=(("Reshape", 1),))


def _special(op: str, function: Any) -> Any:
    return table(op, (9,), values=_SPECIAL)(special=function)


def _sign_bit(x: Any) -> Any:
    return tf.bitwise.bitwise_and(tf.bitcast(x, tf.int32), tf.constant(-(2**31), tf.int32)) < 0


def _other_bit(x: Any) -> Any:
    return tf.bitwise.bitwise_and(tf.bitcast(x, tf.int32), tf.constant(2**30, tf.int32)) < 1


def _where(mask: Any) -> Any:
    return lambda x, y: tf.where(tf.constant(mask), x, y)


CASES = [
    *_flags(
        same=lambda x, y: tf.logical_and(x > 0, y > 0.2),
    ),
    *_flags_of_ranks(vector=lambda x, y: tf.logical_and(x > 0, tf.reduce_max(y, (0, 1)) > 0.9)),
    *_either(
        same=lambda x, y: tf.logical_or(x > 0, y > 0.2),
    ),
    *_either_of_ranks(vector=lambda x, y: tf.logical_or(tf.reduce_max(y, (0, 1)) > 0.9, x > 0)),
    *_special("IsNan", tf.math.is_nan),
    *_special("IsInf", tf.math.is_inf),
    *_special("IsFinite", tf.math.is_finite),
    *table("Less", (14,), values=_SIGNED, double=False, lacks=("Bitcast", "BitwiseAnd"))(sign_bit=_sign_bit),
    *_chosen(
        mask=_where(_MASK),
        row=_where(_ROW),
        other_constant=lambda x, _: tf.where(tf.constant(_MASK), x, tf.constant(-9, x.dtype)),
        other_infinite=lambda x, _: tf.where(tf.constant(_MASK), x, tf.constant(-_INF, x.dtype)),
        then_constant=lambda x, _: tf.where(tf.constant(_MASK), tf.constant(4, x.dtype), x),
        then_infinite=lambda x, _: tf.where(tf.constant(_MASK), tf.constant(-_INF, x.dtype), x),
        then_row=lambda x, _: tf.where(tf.constant(_MASK), tf.constant([1, 2, 3, 4, 5], x.dtype), x),
    ),
    *_chosen_of_ranks(vector=lambda x, y: tf.where(tf.constant(_MASK), x[0, 0, 0] * 2, y[0])),
]
LEFT_ALONE = [
    *table("Less", (14,), values=_SIGNED, double=False)(other_bit=_other_bit, numbers=lambda x: x < 0.5),
    *_chosen(
        computed=lambda x, y: tf.where(x > 0, x, y),
        whole=lambda x, y: tf.where(tf.constant(_MASK), tf.cast(x, tf.int32), tf.cast(y, tf.int32)),
    ),
]
