"""Arithmetic of computed tensors of lower rank; constants are brought to rank by the importers."""

from __future__ import annotations

from typing import Any

import numpy as np
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


def _conv(x: Any) -> Any:
    return tf.nn.conv2d(x, tf.constant(np.random.RandomState(1).randn(1, 1, 3, 3), x.dtype), 1, "SAME")


def _by_channel(x: Any) -> Any:
    weights = tf.constant(np.random.RandomState(2).randn(1, 1, 3, 1), x.dtype)
    return tf.nn.depthwise_conv2d(x, weights, (1, 1, 1, 1), "SAME")


def _mean(x: Any) -> Any:
    return tf.reduce_mean(x, (1, 2), keepdims=True)


def _biased(x: Any) -> Any:
    return tf.nn.bias_add(_conv(_mean(x)), tf.constant([1, 2, 3], x.dtype))


def _convolved_vector(x: Any) -> Any:
    return tf.squeeze(_conv(tf.reduce_mean(x, (0, 1, 2), keepdims=True)), (0, 1, 2))


def _apart(op: str, name: str, body: Any, **options: Any) -> list[RuleCase]:
    """A sum that must become a difference; `lacks` is what else must be gone."""
    lacks = (op, *options.pop("lacks", ()))
    return _case(op, name, lambda x, _: body(x), lacks=lacks, has=(("Sub", 1), ("Mul", 1)), **options)


def _channels_first(rank: int, bias: Any) -> Any:
    """BiasAdd along axis 1 of a tensor of this rank with three channels; the bias is made of y."""

    def body(x: Any, y: Any) -> Any:
        whole = tf.transpose(x, (0, 3, 1, 2))
        whole = {3: whole[:, :, 0], 4: whole, 5: tf.stack([whole, whole * 2], -1)}[rank]
        return tf.raw_ops.BiasAdd(value=whole, bias=bias(y), data_format="NCHW")

    return body


def _numbers(y: Any) -> Any:
    return tf.constant([1, 2, 3], y.dtype)


def _bias(name: str, body: Any, reshapes: int) -> list[RuleCase]:
    return _case("BiasAdd", name, body, lacks=("BiasAdd",), has=(("AddV2", 1), ("Reshape", reshapes)))


def _convolved_bias_first(x: Any) -> Any:
    whole = tf.transpose(x, (0, 3, 1, 2))
    return tf.nn.bias_add(whole, _convolved_vector(x), data_format="NCHW")


def _of_unknown_rank(x: Any, y: Any) -> Any:
    return tf.reshape(x, tf.unique(tf.cast(y[0], tf.int32))[0]) + _conv(x)


def _map(x: Any) -> Any:
    """One channel of an image, as spatial attention and centre-ness heads make it."""
    return tf.sigmoid(tf.nn.conv2d(x, tf.constant(np.random.RandomState(2).randn(1, 1, 3, 1), x.dtype), 1, "SAME"))


CASES = [
    *table("Mul", (1, 4, 5, 3), lacks=(), has=(("Conv2D", 2),))(
        attended=lambda x: x * _map(x), attended_first=lambda x: _map(x) * x
    ),
    *table("Maximum", (1, 4, 5, 3), lacks=(), has=(("Conv2D", 2),))(bounded=lambda x: tf.maximum(_map(x), tf.tanh(x))),
    *table("AddV2", (1, 4, 5, 3), lacks=(), has=(("Conv2D", 2),))(
        pooled=lambda x: tf.nn.max_pool2d(_map(x), 3, 1, "SAME") + x
    ),
    *(case for op in (*_NUMBERS, *_COMPARISONS) for case in _right(op)),
    *(case for op in ("Sub", "RealDiv", "FloorMod", "Greater") for case in _left(op)),
    *_case("Pow", "right", _power),
    *_case("AddV2", "squeezed", _squeezed, lacks=("Squeeze",)),
    *_case("AddV2", "matrix", lambda x, _: x[:, :, 0] + tf.reduce_max(x, (0, 2)), has=(("Reshape", 1),)),
    *_case("SelectV2", "condition", _select(condition=True, then=False), has=(("Reshape", 1),)),
    *_case("SelectV2", "then", _select(condition=False, then=True), has=(("Reshape", 1),)),
    *_case("SelectV2", "both", _select(condition=True, then=True), has=(("Reshape", 2),)),
    *_case("BiasAdd", "computed", lambda x, y: tf.nn.bias_add(x, _vector(y)), lacks=("BiasAdd",), has=(("AddV2", 1),)),
    *_bias("channels_first", _channels_first(4, _vector), reshapes=1),
    *_bias("channels_first_of_three_axes", _channels_first(3, _vector), reshapes=1),
    *_bias("channels_first_of_five_axes", _channels_first(5, _vector), reshapes=1),
    *_bias("channels_first_of_three_axes_constant", _channels_first(3, _numbers), reshapes=0),
    *_bias("channels_first_of_five_axes_constant", _channels_first(5, _numbers), reshapes=0),
    *_apart("AddV2", "convolved_right", lambda x: x + _conv(_mean(x))),
    *_apart("AddV2", "convolved_left", lambda x: _conv(_mean(x)) + x),
    *_apart("AddV2", "convolved_row", lambda x: x + _conv(x[:1, :1])),
    *_apart("AddV2", "convolved_both", lambda x: _conv(x) + _conv(_mean(x))),
    *_apart("AddV2", "convolved_by_channel", lambda x: _by_channel(_mean(x)) + x),
    *_apart("AddV2", "convolved_biased", lambda x: x + _biased(x)),
    *_apart("AddV2", "convolved_biased_left", lambda x: _biased(x) + x),
    *_apart("AddV2", "convolved_vector", lambda x: x + _convolved_vector(x), lacks=("Squeeze",)),
    *_apart("AddV2", "convolved_vector_left", lambda x: _convolved_vector(x) + x, lacks=("Squeeze",)),
    *_apart("Add", "convolved_right", lambda x: tf.raw_ops.Add(x=x, y=_conv(_mean(x)))),
    *_apart("BiasAdd", "convolved", lambda x: tf.nn.bias_add(x, _convolved_vector(x)), lacks=("Squeeze", "AddV2")),
    *_apart("BiasAdd", "convolved_channels_first", _convolved_bias_first, lacks=("AddV2",)),
]
LEFT_ALONE = [
    *table("Mul", (1, 4, 5, 3))(
        averaged=lambda x: x * tf.reduce_mean(x, -1, keepdims=True), both_single=lambda x: _map(x) * _map(tf.tanh(x))
    ),
    *_case("AddV2", "one_rank", lambda x, y: x + tf.reshape(y, (2, 1, 1, 3))),
    *_case("AddV2", "constant", lambda x, _: x + tf.constant([1, 2, 3], x.dtype)),
    *_case("AddV2", "scalar", lambda x, y: x + tf.reduce_max(y)),
    *_case("BiasAdd", "constant", lambda x, _: tf.nn.bias_add(x, tf.constant([1, 2, 3], x.dtype))),
    *_case("BiasAdd", "channels_first_constant", _channels_first(4, _numbers)),
    *_case("BiasAdd", "convolved_constant", lambda x, y: tf.nn.bias_add(_conv(x), _numbers(y))),
    *_case("AddV2", "convolved_of_one_shape", lambda x, _: _conv(x) + x),
    *_case("AddV2", "convolved_larger", lambda x, _: _conv(x) + _mean(x)),
    *_case("AddV2", "convolved_before_more", lambda x, _: x + tf.nn.relu(_conv(_mean(x)))),
    *_case("AddV2", "convolved_to_a_third_shape", lambda x, _: _conv(x[:, :1]) + x[:1]),
    *_case("AddV2", "not_convolved", lambda x, _: x + _mean(x)),
    *_case("AddV2", "of_unknown_rank", _of_unknown_rank),
    *_case("Mul", "convolved", lambda x, _: x * _conv(_mean(x))),
    *_case("Sub", "convolved", lambda x, _: x - _conv(_mean(x))),
]
