"""Means, sums, maxima and minima over every set of axes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import tensorflow as tf

from tests.unit.export.graph_cases import table

_REDUCTIONS = {"Mean": tf.raw_ops.Mean, "Sum": tf.raw_ops.Sum, "Max": tf.raw_ops.Max, "Min": tf.raw_ops.Min}
_SHAPES = [(3, 5), (2, 3, 5), (2, 3, 4, 5), (1, 1, 4, 5), (1, 4, 1, 5), (1, 3, 4, 1)]


def _over_every_set(function: Callable[..., Any], rank: int) -> Any:
    sets = [axes for count in range(1, rank + 1) for axes in combinations(range(rank), count)]

    def body(x: Any) -> Any:
        kept = [function(input=x, axis=list(axes), keep_dims=True) for axes in sets]
        return [*kept, *(function(input=x, axis=list(axes), keep_dims=False) for axes in sets if len(axes) < rank)]

    return body


def _said_otherwise(function: Callable[..., Any]) -> Any:
    return lambda x: [function(input=x, axis=axes) for axes in (-1, 2, [-2, 1], [-1, -2], [2, 1], [3, 0, -3])]


CASES = [
    *(
        case
        for op, function in _REDUCTIONS.items()
        for shape in _SHAPES
        for case in table(op, shape)(**{f"of_{'x'.join(map(str, shape))}": _over_every_set(function, len(shape))})
    ),
    *(
        case
        for op, function in _REDUCTIONS.items()
        for case in [
            *table(op, (2, 3, 4, 5))(said_otherwise=_said_otherwise(function)),
            *table(op, (2, 3, 2, 2, 3))(five=lambda x, function=function: function(input=x, axis=[1, 3])),
        ]
    ),
]
LEFT_ALONE = [
    *table("Mean", (2, 3))(to_one_value=tf.reduce_mean, over_nothing=lambda x: tf.raw_ops.Mean(input=x, axis=[])),
    *table("Max", (2, 3))(
        whole_numbers=lambda x: tf.raw_ops.Max(input=tf.cast(x, tf.int32), axis=1),
        computed=lambda x: tf.raw_ops.Max(input=x, axis=tf.cast(x[0, 0] * 0, tf.int32)),
    ),
]
