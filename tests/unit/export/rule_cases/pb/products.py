"""Products of matrices, of stacks of them, transposed or with a constant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import table

_BATCHED = {
    "BatchMatMul": tf.raw_ops.BatchMatMul,
    "BatchMatMulV2": tf.raw_ops.BatchMatMulV2,
    "BatchMatMulV3": lambda **operands: tf.raw_ops.BatchMatMulV3(**operands, Tout=operands["x"].dtype),
}
_FLAGS = [(False, False), (True, False), (False, True), (True, True)]
_SAID = ("as_they_are", "first_turned", "second_turned", "both_turned")
_STACKS = [(3,), (1,), (2, 3), (1, 3), (2, 1, 3)]


def _turned(rows: int, columns: int, turn: bool) -> tuple[int, int]:
    return (columns, rows) if turn else (rows, columns)


def _constant(*shape: int) -> Any:
    return np.random.RandomState(5).randn(*shape)


def _product(function: Callable[..., Any], adj_x: bool, adj_y: bool) -> Any:
    return lambda x, y: function(x=x, y=y, adj_x=adj_x, adj_y=adj_y)


def _with_constant(function: Callable[..., Any], adj_x: bool, adj_y: bool, *stacks: tuple[int, ...]) -> Any:
    shape = _turned(5, 6, adj_y)
    return lambda x: [
        function(x=x, y=tf.constant(_constant(*stack, *shape), x.dtype), adj_x=adj_x, adj_y=adj_y) for stack in stacks
    ]


def _computed(op: str) -> list[Any]:
    return [
        case
        for stack in _STACKS
        for said, (adj_x, adj_y) in zip(_SAID, _FLAGS, strict=True)
        for case in table(op, (*stack, *_turned(4, 5, adj_x)), (*stack, *_turned(5, 6, adj_y)))(
            **{f"{'x'.join(map(str, stack))}_{said}": _product(_BATCHED[op], adj_x, adj_y)}
        )
    ]


def _constants(op: str, stack: tuple[int, ...], *of_constant: tuple[int, ...]) -> list[Any]:
    return [
        case
        for said, (adj_x, adj_y) in zip(_SAID, _FLAGS, strict=True)
        for case in table(op, (*stack, *_turned(4, 5, adj_x)), has=(("MatMul", len(of_constant)), ("BatchMatMul", 0)))(
            **{f"{'x'.join(map(str, stack))}_constant_{said}": _with_constant(_BATCHED[op], adj_x, adj_y, *of_constant)}
        )
    ]


def _plain(transpose_a: bool, transpose_b: bool) -> Any:
    return lambda a, b: tf.raw_ops.MatMul(a=a, b=b, transpose_a=transpose_a, transpose_b=transpose_b)


CASES = [
    *_computed("BatchMatMulV2"),
    *_constants("BatchMatMulV2", (3,), (), (1,), (1, 1)),
    *_constants("BatchMatMulV2", (2, 3), (), (1,), (1, 1)),
    *(
        case
        for op in ("BatchMatMul", "BatchMatMulV3")
        for case in table(op, (2, 3, 4, 5), (2, 3, 6, 5))(turned=_product(_BATCHED[op], False, True))
    ),
    *table("BatchMatMulV2", (3, 4, 5), (1, 5, 6))(unequal_stacks=_product(_BATCHED["BatchMatMulV2"], False, False)),
    *table("BatchMatMulV2", (2, 1, 4, 5), (1, 3, 5, 6))(both_grow=_product(_BATCHED["BatchMatMulV2"], False, False)),
    *table("BatchMatMulV2", (3, 4, 5), has=(("MatMul", 3), ("BatchMatMul", 0)))(
        constant_stack=lambda x: x @ tf.constant(_constant(3, 5, 6), x.dtype),
        constant_first=lambda x: tf.constant(_constant(3, 2, 4), x.dtype) @ x,
    ),
    *table("BatchMatMulV2", (2, 1, 4, 5), has=(("BatchMatMul", 0),))(
        constant_stack_grows=lambda x: x @ tf.constant(_constant(1, 3, 5, 6), x.dtype),
        constant_first_grows=lambda x: tf.constant(_constant(3, 2, 4), x.dtype) @ x,
    ),
    *table("BatchMatMulV2", (2, 4, 5), has=(("Slice", 1),))(
        stays_apart=lambda x: tf.nn.relu(tf.raw_ops.BatchMatMulV2(x=x, y=tf.tanh(x), adj_y=True))
    ),
    *(
        case
        for said, (first, second) in list(zip(_SAID, _FLAGS, strict=True))[1:]
        for case in [
            *table("MatMul", _turned(4, 5, first), _turned(5, 6, second))(**{said: _plain(first, second)}),
            *table("MatMul", _turned(4, 5, first), has=(("Transpose", int(first)),))(
                **{
                    f"constant_{said}": lambda a, first=first, second=second: _plain(first, second)(
                        a, tf.constant(_constant(*_turned(5, 6, second)), a.dtype)
                    )
                }
            ),
        ]
    ),
]
LEFT_ALONE = [
    *table("MatMul", (4, 5), (5, 6))(plain=_plain(False, False)),
    *table("BatchMatMulV2", (65, 2, 3))(many=lambda x: x @ tf.constant(_constant(65, 3, 2), x.dtype)),
]
