"""Comparisons, with ties, and what is chosen by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import table

_COMPARISONS = {
    "Greater": tf.raw_ops.Greater,
    "GreaterEqual": tf.raw_ops.GreaterEqual,
    "Less": tf.raw_ops.Less,
    "LessEqual": tf.raw_ops.LessEqual,
    "Equal": tf.raw_ops.Equal,
    "NotEqual": tf.raw_ops.NotEqual,
}
_SHAPE = (2, 3, 4, 5)
_TIES = np.random.RandomState(2).randint(-2, 3, (2, *_SHAPE)) / 2
"""Of a few values, so that many are equal, and equal to the constants."""
_ROW = (-1.0, -0.5, 0.0, 0.5, 1.0)


def _with_constants(compare: Any) -> Any:
    def body(x: Any) -> Any:
        constants = [
            tf.constant(value, x.dtype) for value in (0, 0.5, -1, _ROW, [[_ROW]], np.reshape(_ROW[:4], (4, 1)))
        ]
        return [*(compare(x=x, y=one) for one in constants), *(compare(x=one, y=x) for one in constants)]

    return body


def _of_ranks(compare: Any) -> Any:
    return lambda x, y: [compare(x=x, y=y), compare(x=x, y=y[0, 0]), compare(x=y[1], y=x), compare(x=x, y=y[:, :, :1])]


def _where(choose: Any) -> Any:
    def body(x: Any, y: Any) -> Any:
        conditions = (x > y, x >= 0, tf.equal(x, y[0]), x[:, :1] <= y[:, :1])
        return [choose(condition, x, y) for condition in conditions]

    return body


def _by_row(condition: Any, x: Any, y: Any) -> Any:
    del y
    row = tf.constant(_ROW, x.dtype)
    return tf.raw_ops.SelectV2(condition=condition, t=row, e=x)


def _either_value(condition: Any, x: Any, _: Any) -> Any:
    return tf.where(condition, tf.constant(3, x.dtype), tf.constant(-2, x.dtype))


_chosen = table("SelectV2", _SHAPE, _SHAPE, values=tuple(_TIES), lacks=("SelectV2", *_COMPARISONS))
_numbers = table("Cast", _SHAPE, _SHAPE, values=tuple(_TIES), lacks=(*_COMPARISONS,))
_both = table("LogicalAnd", _SHAPE, _SHAPE, values=tuple(_TIES), double=False, lacks=("LogicalAnd", *_COMPARISONS))

CASES = [
    *(
        case
        for op, compare in _COMPARISONS.items()
        for case in [
            *table(op, _SHAPE, values=(_TIES[0],), lacks=(*_COMPARISONS,))(constants=_with_constants(compare)),
            *table(op, _SHAPE, _SHAPE, values=tuple(_TIES), lacks=(*_COMPARISONS,))(computed=_of_ranks(compare)),
        ]
    ),
    *_chosen(
        computed=_where(lambda condition, x, y: tf.raw_ops.SelectV2(condition=condition, t=x, e=y)),
        otherwise_one_value=_where(lambda condition, x, _: tf.where(condition, x, tf.constant(-9, x.dtype))),
        then_one_value=_where(lambda condition, x, _: tf.where(condition, tf.constant(4, x.dtype), x)),
        then_row=_where(_by_row),
        then_lower_rank=_where(lambda condition, x, y: tf.where(condition, y[0, 0], x)),
        constants=_where(_either_value),
        through_an_identity=_where(lambda condition, x, y: tf.where(tf.identity(condition), x, y)),
    ),
    *_both(
        of_one_rank=lambda x, y: tf.logical_and(x > 0, y >= 0),
        of_ranks=lambda x, y: tf.logical_and(x[0] <= 0, tf.equal(x, y)),
        three=lambda x, y: tf.logical_and(tf.logical_and(x > -1, y < 1), tf.not_equal(x, y)),
        chosen_by=lambda x, y: tf.where(tf.logical_and(x > 0, y > 0), x, y),
        counted=lambda x, y: tf.cast(tf.logical_and(x > 0, y > 0), tf.float32),
    ),
    *_numbers(counted=lambda x, y: [tf.cast(x > y, x.dtype), tf.cast(tf.equal(x, tf.constant(0.5, x.dtype)), x.dtype)]),
]
LEFT_ALONE = [
    *table("Greater", (3, 5), (3, 5))(
        whole_numbers=lambda x, y: tf.cast(x, tf.int32) > tf.cast(y, tf.int32),
        larger_constant=lambda x, _: x > tf.zeros((2, 3, 5), x.dtype),
        constants=lambda *_: tf.constant(1.0) > tf.constant(2.0),
    ),
    *table("SelectV2", (3, 5), (3, 5))(
        condition_of_another=lambda x, y: tf.where(tf.math.is_nan(x), x, y),
        other_type=lambda x, y: tf.where(x > y, 1, tf.cast(x, tf.int32)),
    ),
    *table("LogicalAnd", (3, 5), (3, 5))(of_another=lambda x, y: tf.logical_and(tf.math.is_nan(x), y > 0)),
    *table("Cast", (3, 5), (3, 5))(
        numbers=lambda x, _: tf.cast(x, tf.int32), other_type=lambda x, y: tf.cast(tf.math.is_nan(x), y.dtype)
    ),
]
