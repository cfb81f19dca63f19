"""Arithmetic of computed tensors of lower rank; constants are brought to rank by the importers."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.unit.export.graph_cases import RuleCase, table

_NUMBERS = (
    "AddV2",
    "Sub",
    "Mul",
    "RealDiv",
    "Maximum",
    "Minimum",
    "SquaredDifference",
    "FloorMod",
    "FloorDiv",
    "DivNoNan",
    "Add",
    "Div",
)
_COMPARISONS = ("Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual")


def _raw(op: str, **names: Any) -> Any:
    return getattr(tf.raw_ops, op)(**names)


def _vector(y: Any) -> Any:
    """A vector that is computed: what stands before it must not be a reshape that could be left out."""
    return tf.reduce_max(y, 0)


def _case(op: str, name: str, body: Any, **options: Any) -> list[RuleCase]:
    return table(op, (2, 5, 7, 3), (2, 3), **{"lacks": (), **options})(**{name: body})


def _right(op: str) -> list[RuleCase]:
    return _case(op, "right", lambda x, y: _raw(op, x=x, y=_vector(y)), has=((op, 1), ("Reshape", 1)))


def _left(op: str) -> list[RuleCase]:
    return _case(op, "left", lambda x, y: _raw(op, x=_vector(y), y=x), has=((op, 1), ("Reshape", 1)))


def _squeezed(x: Any, y: Any) -> Any:
    return x + tf.squeeze(tf.reduce_max(x, (1, 2), keepdims=True)[:1] * y[0], (0, 1, 2))


def _power(x: Any, y: Any) -> Any:
    return tf.raw_ops.Pow(x=tf.abs(x) + 0.5, y=_vector(y))


def _flag(op: str) -> list[RuleCase]:
    return _case(op, "flags", lambda x, y: _raw(op, x=x > 0, y=_vector(y) > 0.5), has=(("Reshape", 1),))


def _select(condition: bool, then: bool) -> Any:
    def body(x: Any, y: Any) -> Any:
        vector = _vector(y)
        return tf.raw_ops.SelectV2(condition=(vector if condition else x) > 0.3, t=vector if then else x, e=x * 2)

    return body


CASES = [
    *(case for op in (*_NUMBERS, *_COMPARISONS) for case in _right(op)),
    *(case for op in ("Sub", "RealDiv", "FloorMod", "Greater") for case in _left(op)),
    *_case("Pow", "right", _power),
    *_case("AddV2", "squeezed", _squeezed, lacks=("Squeeze",)),
    *_case("AddV2", "matrix", lambda x, _: x[:, :, 0] + tf.reduce_max(x, (0, 2)), has=(("Reshape", 1),)),
    *_case("SelectV2", "condition", _select(condition=True, then=False), has=(("Reshape", 1),)),
    *_case("SelectV2", "then", _select(condition=False, then=True), has=(("Reshape", 1),)),
    *_case("SelectV2", "both", _select(condition=True, then=True), has=(("Reshape", 2),)),
    *_case("BiasAdd", "computed", lambda x, y: tf.nn.bias_add(x, _vector(y)), lacks=("BiasAdd",), has=(("AddV2", 1),)),
]
LEFT_ALONE = [
    *_case("AddV2", "one_rank", lambda x, y: x + tf.reshape(y, (2, 1, 1, 3))),
    *_case("AddV2", "constant", lambda x, _: x + tf.constant([1, 2, 3], x.dtype)),
    *_case("AddV2", "scalar", lambda x, y: x + tf.reduce_max(y)),
    *_case("BiasAdd", "constant", lambda x, _: tf.nn.bias_add(x, tf.constant([1, 2, 3], x.dtype))),
    *_case(
        "BiasAdd",
        "channels_first",
        lambda x, y: tf.nn.bias_add(tf.transpose(x, (0, 3, 1, 2)), _vector(y), data_format="NCHW"),
    ),
]
