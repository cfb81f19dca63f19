"""Arithmetic on tensors of different rank, where the smaller one is computed.

OpenCV 4 holds a vector of n as an n x 1 matrix, and broadcasts that: `(1, 5, 7, 3) + (3,)` then adds other numbers than
it should (Keras's Add squeezes a (1, 1, 3) image to (3,) first). With leading ones both have one rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_OPS = (
    *("Add", "AddV2", "Sub", "Mul", "Div", "RealDiv", "DivNoNan", "FloorDiv", "FloorMod", "Pow", "SquaredDifference"),
    *("Maximum", "Minimum", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "SelectV2"),
)


def _same_rank(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    level = levelled(inputs)
    if all(new is old for new, old in zip(level, inputs, strict=True)):
        return None
    names = {"SelectV2": ("condition", "t", "e")}.get(node.op, ("x", "y"))
    return getattr(tf.raw_ops, node.op)(**dict(zip(names, level, strict=True)))


def levelled(inputs: Sequence[Any]) -> list[Any]:
    """Return the tensors, those that are computed and of lower rank with leading ones."""
    ranks = [tensor.shape.rank for tensor in inputs]
    if None in ranks:
        return list(inputs)
    return [_with_ones(tensor, max(ranks)) if _is_short(tensor, max(ranks)) else tensor for tensor in inputs]


def _computed_bias(node: Any, inputs: Sequence[Any]) -> Any:
    """Keras adds the two products of a recurrent cell by BiasAdd, having squeezed one to a vector."""
    import tensorflow as tf

    x, bias = inputs
    if not _is_short(bias, x.shape.rank or 0) or node.attr["data_format"].s == b"NCHW":
        return None
    return tf.raw_ops.AddV2(x=x, y=_with_ones(bias, x.shape.rank))


def _is_short(tensor: Any, rank: int) -> bool:
    """Whether a tensor is computed, of lower rank and known shape; importers bring constants to rank themselves."""
    if tensor.op.type == "Const" or not tensor.shape.is_fully_defined():
        return False
    return bool(0 < tensor.shape.rank < rank)


def _with_ones(tensor: Any, rank: int) -> Any:
    """Return the tensor with leading ones, without the Squeeze or Reshape that had just removed some."""
    import tensorflow as tf

    shape = [1] * (rank - tensor.shape.rank) + tensor.shape.as_list()
    while tensor.op.type in {"Squeeze", "Reshape", "ExpandDims", "Identity"}:
        tensor = tensor.op.inputs[0]
    return tensor if tensor.shape.as_list() == shape else tf.reshape(tensor, shape)


RULES = {**dict.fromkeys(_OPS, _same_rank), "BiasAdd": _computed_bias}
