"""Comparisons and choices, for which the `.pb` importer has no layers: by signs, which it has.

A condition is carried as 1 and 0; a choice between a and b is a product with each. Finite values are assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.rules.pb.arithmetic import added, multiplied, one_rank


def _comparison(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    if not inputs[0].dtype.is_floating or not all(tensor.shape.is_fully_defined() for tensor in inputs):
        return None
    lesser = node.op.startswith("Less")
    gap = _difference(*(inputs[::-1] if lesser else inputs))
    if gap is None:
        return None
    if node.op.endswith("Equal") and node.op not in {"Equal", "NotEqual"}:  # a >= b is not b > a
        holds = added(multiplied(tf.nn.relu(tf.sign(multiplied(gap, -1))), -1), 1)
    elif node.op in {"Equal", "NotEqual"}:
        differs = tf.abs(tf.sign(gap))
        holds = differs if node.op == "NotEqual" else added(multiplied(differs, -1), 1)
    else:
        holds = tf.nn.relu(tf.sign(gap))
    return tf.cast(holds, tf.bool)


def _difference(a: Any, b: Any) -> Any:
    """Return a - b where one of them at least is computed."""
    import tensorflow as tf

    first, second = tf.get_static_value(a), tf.get_static_value(b)
    if second is not None and first is None and list(tf.broadcast_static_shape(a.shape, b.shape)) == list(a.shape):
        return added(a, -second)
    if first is not None and second is None and list(tf.broadcast_static_shape(a.shape, b.shape)) == list(b.shape):
        return added(multiplied(b, -1), first)
    return None if first is not None or second is not None else tf.subtract(*one_rank(a, b))


def _as_number(condition: Any, dtype: Any) -> Any:
    """Return the 1 and 0 behind a condition; None where it was not made here."""
    import tensorflow as tf

    while condition.op.type == "Identity":
        condition = condition.op.inputs[0]
    made = condition.op.type == "Cast" and condition.op.inputs[0].dtype == dtype
    return condition.op.inputs[0] if made and condition.dtype == tf.bool else None


def _select(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    condition, then, otherwise = inputs
    mask = _as_number(condition, then.dtype)
    if mask is None:
        return None
    parts = []
    for weight, value in ((mask, then), (added(multiplied(mask, -1), 1), otherwise)):
        constant = tf.get_static_value(value)
        parts.append(_weighted(weight, value, constant))
    return tf.raw_ops.AddV2(x=parts[0], y=parts[1])


def _weighted(weight: Any, value: Any, constant: Any) -> Any:
    import tensorflow as tf

    if constant is None:
        return tf.raw_ops.Mul(**dict(zip(("x", "y"), one_rank(weight, value), strict=True)))
    return multiplied(weight, constant)


def _and(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    masks = [_as_number(condition, tf.float32) for condition in inputs]
    if any(mask is None for mask in masks):
        return None
    return tf.cast(tf.raw_ops.Mul(**dict(zip(("x", "y"), one_rank(*masks), strict=True))), tf.bool)


def _cast(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    to = tf.as_dtype(node.attr["DstT"].type)
    return _as_number(inputs[0], to) if inputs[0].dtype == tf.bool else None


RULES = {
    **dict.fromkeys(("Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual"), _comparison),
    "SelectV2": _select,
    "LogicalAnd": _and,
    "Cast": _cast,
}
