"""Arithmetic on tensors of different rank, where the smaller one is computed.

OpenCV 4 holds a vector of n as an n x 1 matrix, and broadcasts that: `(1, 5, 7, 3) + (3,)` then adds other numbers than
it should (Keras's Add squeezes a (1, 1, 3) image to (3,) first). With leading ones both have one rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_OPS = [
    "Add",
    "AddV2",
    "Sub",
    "Mul",
    "RealDiv",
    "Div",
    "Maximum",
    "Minimum",
    "Pow",
    "SquaredDifference",
    "FloorMod",
    "FloorDiv",
    "DivNoNan",
    "Greater",
    "GreaterEqual",
    "Less",
    "LessEqual",
    "Equal",
    "NotEqual",
    "LogicalAnd",
    "LogicalOr",
    "SelectV2",
]


def _same_rank(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    ranks = [tensor.shape.rank for tensor in inputs]
    if None in ranks or not any(_is_short(tensor, max(ranks)) for tensor in inputs):
        return None
    level = [_levelled(tensor, max(ranks)) if _is_short(tensor, max(ranks)) else tensor for tensor in inputs]
    names = {"SelectV2": ("condition", "t", "e")}.get(node.op, ("x", "y"))
    return getattr(tf.raw_ops, node.op)(**dict(zip(names, level, strict=True)))


def _computed_bias(node: Any, inputs: Sequence[Any]) -> Any:
    """Keras adds the two products of a recurrent cell by BiasAdd, having squeezed one to a vector."""
    import tensorflow as tf

    x, bias = inputs
    if not _is_short(bias, x.shape.rank or 0) or node.attr["data_format"].s == b"NCHW":
        return None
    return tf.raw_ops.AddV2(x=x, y=_levelled(bias, x.shape.rank))


def _is_short(tensor: Any, rank: int) -> bool:
    """Whether a tensor is computed, of lower rank, and of known shape; constants are brought to rank by the importer."""
    return 0 < tensor.shape.rank < rank and tensor.op.type != "Const" and tensor.shape.is_fully_defined()


def _levelled(tensor: Any, rank: int) -> Any:
    """Return the tensor with leading ones, without the Squeeze or Reshape that had just removed some."""
    import tensorflow as tf

    shape = [1] * (rank - tensor.shape.rank) + tensor.shape.as_list()
    while tensor.op.type in {"Squeeze", "Reshape", "ExpandDims", "Identity"}:
        tensor = tensor.op.inputs[0]
    return tensor if tensor.shape.as_list() == shape else tf.reshape(tensor, shape)


RULES = {**dict.fromkeys(_OPS, _same_rank), "BiasAdd": _computed_bias}
