"""Sums, products and powers: with constants on either side and of every shape, and of tensors of unequal rank."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import table

_BINARY = {
    "AddV2": tf.raw_ops.AddV2,
    "Add": tf.raw_ops.Add,
    "Sub": tf.raw_ops.Sub,
    "Mul": tf.raw_ops.Mul,
    "RealDiv": tf.raw_ops.RealDiv,
    "SquaredDifference": tf.raw_ops.SquaredDifference,
}
_BOUNDS = {"Maximum": tf.raw_ops.Maximum, "Minimum": tf.raw_ops.Minimum}
_CONSTANTS = {
    (7,): [(), (1,), (7,), (1, 1), (1, 7), (3, 1), (3, 7)],
    (3, 5): [(), (1,), (1, 1), (5,), (1, 5), (3, 1), (3, 5), (4, 1, 1), (2, 3, 5), (2, 1, 3, 1)],
    (2, 3, 5): [(), (5,), (1, 1, 5), (3, 1), (3, 5), (2, 1, 1), (2, 3, 5), (4, 1, 1, 5)],
    (2, 3, 4, 5): [(), (1, 1, 1, 1), (5,), (1, 1, 1, 5), (4, 1), (3, 1, 1), (3, 4, 5), (2, 1, 1, 1), (2, 3, 4, 5)],
    (1, 1, 4, 5): [(5,), (4, 1), (4, 5), (1, 3, 4, 5), (1, 3, 1, 1), (6, 1, 4, 1)],
    (1, 3, 1, 1): [(1,), (3, 1, 1), (5,), (2, 1), (4, 1, 1, 1), (4, 3, 2, 5)],
    (2, 3, 2, 2, 5): [(), (5,), (2, 1), (3, 1, 1, 5), (2, 3, 2, 2, 5)],
}
"""Constants for an x of a shape: single values, one value a channel, along other axes, whole, larger than x."""
_NUMBERS = np.random.RandomState(3).uniform(0.5, 2, 4096)
_PAIRS = [
    ((2, 3, 4, 5), (5,)),
    ((2, 3, 4, 5), (4, 1)),
    ((5,), (2, 3, 4, 5)),
    ((4, 5), (2, 3, 1, 5)),
    ((2, 3, 5), (5,)),
    ((3, 1), (2, 3, 5)),
    ((2, 2, 3, 2, 5), (2, 3, 1, 1)),
]
"""Shapes of tensors whose ranks are unequal."""


def _constant(shape: tuple[int, ...]) -> Any:
    return _NUMBERS[: int(np.prod(shape))].reshape(shape)


def _with_constants(function: Callable[..., Any], shape: tuple[int, ...], dtype_of: Any = None) -> Any:
    def body(x: Any) -> Any:
        constants = [tf.constant(_constant(one), dtype_of or x.dtype) for one in _CONSTANTS[shape]]
        return [
            *(function(x=x, y=constant) for constant in constants),
            *(function(x=constant, y=x) for constant in constants),
        ]

    return body


def _of_rank(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _pair(op: str, function: Callable[..., Any]) -> list[Any]:
    return [
        case
        for first, second in _PAIRS
        for case in table(op, first, second)(
            **{f"{_of_rank(first)}_and_{_of_rank(second)}": lambda x, y: function(x=x, y=y)}
        )
    ]


def _powers(*exponents: float) -> Any:
    return lambda x: [
        tf.raw_ops.Pow(x=tf.abs(x), y=tf.constant(value, x.dtype, shape)) for value in exponents for shape in ((), (1,))
    ]


def _bias(shape: tuple[int, ...], data_format: str = "NHWC") -> Any:
    return lambda x: tf.raw_ops.BiasAdd(value=x, bias=tf.constant(_constant(shape), x.dtype), data_format=data_format)


def _single_values(function: Callable[..., Any]) -> Any:
    def body(x: Any) -> Any:
        bounds = [tf.constant(value, x.dtype, shape) for value in (0.0, -0.3, 0.7) for shape in ((), (1,), (1, 1))]
        return [*(function(x=x, y=bound) for bound in bounds), *(function(x=bound, y=x) for bound in bounds)]

    return body


CASES = [
    *table("BroadcastTo", (3, 1, 5))(
        grown=lambda x: tf.broadcast_to(x, [3, 4, 5]),
        in_more_axes=lambda x: tf.broadcast_to(x, [2, 3, 4, 5]),
        as_it_is=lambda x: tf.raw_ops.BroadcastTo(input=x, shape=tf.constant([3, 1, 5])),
    ),
    *(
        case
        for op, function in _BINARY.items()
        for shape in _CONSTANTS
        for case in table(op, shape)(**{f"constants_for_{_of_rank(shape)}": _with_constants(function, shape)})
    ),
    *(case for op, function in {**_BINARY, **_BOUNDS}.items() for case in _pair(op, function)),
    *(
        case
        for op, function in _BOUNDS.items()
        for shape in ((3, 5), (2, 3, 4, 5), (2, 3, 5))
        for case in table(op, shape, lacks=("Maximum", "Minimum"))(
            **{f"single_values_for_{_of_rank(shape)}": _single_values(function)}
        )
    ),
    *table("SquaredDifference", (2, 3, 4, 5), (2, 3, 1, 5))(
        of_one_rank=lambda x, y: tf.raw_ops.SquaredDifference(x=x, y=y)
    ),
    *table("BiasAdd", (2, 3, 5))(three=_bias((5,))),
    *table("BiasAdd", (2, 3, 2, 2, 5))(five=_bias((5,))),
    *table("Neg", (2, 3, 4, 5))(image=lambda x: -x),
    *table("Neg", (3, 5))(matrix=lambda x: -x),
    *table("Rsqrt", (2, 3, 5))(three=lambda x: tf.math.rsqrt(tf.abs(x))),
    *table("Pow", (2, 3, 4, 5), lacks=("Pow",))(image=_powers(2, 3, 0.5, -0.5, -1, 1)),
    *table("Pow", (3, 5), lacks=("Pow",))(
        of_negatives=lambda x: [tf.raw_ops.Pow(x=x, y=tf.constant(value, x.dtype)) for value in (2, 3, -1, 1)]
    ),
]
LEFT_ALONE = [
    *table("AddV2", (3, 5), (3, 5))(of_one_rank=lambda x, y: tf.raw_ops.AddV2(x=x, y=y)),
    *table("Mul", (2, 3, 4, 5), (2, 1, 1, 5))(of_one_rank=lambda x, y: tf.raw_ops.Mul(x=x, y=y)),
    *table("AddV2", (3, 5))(
        whole_numbers=lambda x: tf.cast(x, tf.int32) + 3, constants=lambda _: tf.constant(1.0) + tf.constant(2.0)
    ),
    *table("AddV2", ())(one_value=lambda x: x + 3),
    *table("BiasAdd", (3, 5))(matrix=_bias((5,))),
    *table("BiasAdd", (2, 3, 4, 5))(image=_bias((5,)), channels_first=_bias((3,), "NCHW")),
    *table("Maximum", (3, 5), (3, 5))(computed=tf.maximum),
    *table("Minimum", (3, 5))(
        row=lambda x: tf.minimum(x, tf.ones((1, 5), x.dtype)),
        larger=lambda x: tf.minimum(x, tf.ones((1, 1), x.dtype) * x[:1]),
        whole_numbers=lambda x: tf.minimum(tf.cast(x, tf.int32), tf.ones((3, 5), tf.int32)),
    ),
    *table("Pow", (3, 5), (3, 5))(
        others=lambda x, _: [tf.raw_ops.Pow(x=x, y=tf.constant(value, x.dtype)) for value in (4.0, 1.5, -2.0, 0.0)],
        row=lambda x, _: tf.raw_ops.Pow(x=x, y=tf.constant([2.0] * 5, x.dtype)),
        computed=lambda x, y: tf.raw_ops.Pow(x=x, y=y),
    ),
]
