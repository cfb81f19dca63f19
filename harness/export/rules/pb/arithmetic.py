"""Arithmetic as the `.pb` importer can read it.

It takes `c - x` for `x - c` without a word, refuses `c / x`, knows neither Neg nor Rsqrt nor Pow, and adds a vector to
the first axes that have its size. One value, or one a channel of an image or of a matrix, it reads rightly; on other
ranks the axis of the vector is said (see `spelling.py`); any other constant is laid out flat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.rules.pb.shapes import reshaped, transposed

_IMAGE_RANK = 4
_MATRIX_RANK = 2
_LARGEST = 3.0e38


def added(x: Any, constant: Any) -> Any:
    """Return x + constant (a numpy array that broadcasts to x)."""
    import numpy as np
    import tensorflow as tf

    value = np.asarray(constant, x.dtype.as_numpy_dtype)
    if value.size == 1:
        return tf.raw_ops.AddV2(x=x, y=tf.constant(value.reshape(())))
    laid, vector, shape = _laid_out(x, value)
    if laid.shape.rank in {_MATRIX_RANK, _IMAGE_RANK}:
        return reshaped(tf.raw_ops.AddV2(x=laid, y=tf.constant(vector)), shape)
    same = tf.raw_ops.Mul(x=laid, y=tf.constant(np.ones_like(vector)))  # with an Add, not AddV2, it is one Scale layer
    return tf.raw_ops.Add(x=same, y=tf.constant(vector))


def multiplied(x: Any, constant: Any) -> Any:
    """Return x * constant (a numpy array that broadcasts to x)."""
    import numpy as np
    import tensorflow as tf

    value = np.asarray(constant, x.dtype.as_numpy_dtype)
    if value.size == 1:
        return tf.raw_ops.Mul(x=x, y=tf.constant(value.reshape(())))
    laid, vector, shape = _laid_out(x, value)
    return reshaped(tf.raw_ops.Mul(x=laid, y=tf.constant(vector)), shape)


def _laid_out(x: Any, value: Any) -> tuple[Any, Any, list[int]]:
    """Return the tensor and the constant with the constant along the last axis alone, and the shape to go back to."""
    import numpy as np

    shape = x.shape.as_list()
    value = value.reshape([1] * (len(shape) - value.ndim) + list(value.shape))
    if value.size == value.shape[-1]:
        return x, value.reshape(-1), shape
    whole = np.broadcast_to(value, shape).reshape(1, -1)
    return reshaped(x, [1, whole.size]), whole.reshape(-1), shape


def _binary(node: Any, inputs: Sequence[Any]) -> Any:
    """Take sums, differences, products and quotients with a constant on one side."""
    import numpy as np
    import tensorflow as tf

    first, second = (tf.get_static_value(tensor) for tensor in inputs)
    x = inputs[1] if first is not None else inputs[0]
    constant = first if first is not None else second
    if constant is None or (first is not None and second is not None):
        return _levelled(node, inputs)
    if not x.shape.is_fully_defined() or not x.dtype.is_floating or not x.shape.rank:
        return None
    if node.op == "BiasAdd" and (x.shape.rank in {_MATRIX_RANK, _IMAGE_RANK} or node.attr["data_format"].s == b"NCHW"):
        return None  # merged into the product before it
    x = enlarged(x, np.broadcast_shapes(constant.shape, tuple(x.shape.as_list())))
    return _with_constant(node.op, x, constant, first is not None)


def enlarged(x: Any, shape: Sequence[int]) -> Any:
    """Return the tensor broadcast to a shape: along each axis a product with a row of ones."""
    import numpy as np
    import tensorflow as tf

    if x.shape.as_list() == list(shape):
        return x
    x = reshaped(x, [1] * (len(shape) - x.shape.rank) + x.shape.as_list())
    for axis, size in enumerate(shape):
        if x.shape[axis] == size:
            continue
        order = [*(other for other in range(len(shape)) if other != axis), axis]
        column = reshaped(transposed(x, order), [x.shape.num_elements(), 1])
        rows = tf.raw_ops.MatMul(a=column, b=tf.constant(np.ones((1, size), x.dtype.as_numpy_dtype)))
        sizes = [x.shape[other] for other in order[:-1]]
        back = [order.index(other) for other in range(len(shape))]
        x = transposed(reshaped(rows, [*sizes, size]), back)
    return x


def _enlarged_to(_node: Any, inputs: Sequence[Any]) -> Any:
    """Take BroadcastTo, which grappler makes of a product with ones; the importer has no layer for it."""
    import tensorflow as tf

    shape = tf.get_static_value(inputs[1])
    if shape is None or not inputs[0].shape.is_fully_defined() or not inputs[0].dtype.is_floating:
        return None
    return enlarged(inputs[0], shape.tolist())


def _with_constant(op: str, x: Any, constant: Any, constant_first: bool) -> Any:
    import tensorflow as tf

    if op in {"AddV2", "Add", "BiasAdd"}:
        return added(x, constant)
    if op == "Sub":
        return added(multiplied(x, -1), constant) if constant_first else added(x, -constant)
    if op == "Mul":
        return multiplied(x, constant)
    if op == "SquaredDifference":
        return tf.square(added(x, -constant))
    if constant_first:  # c / x
        return multiplied(tf.raw_ops.Reciprocal(x=x), constant)
    return multiplied(x, 1 / constant)


def _levelled(node: Any, inputs: Sequence[Any]) -> Any:
    """Bring two computed tensors to one rank."""
    import tensorflow as tf

    x, y = inputs
    if x.shape.rank is None or y.shape.rank is None or not x.dtype.is_floating:
        return None
    if node.op == "SquaredDifference":
        return tf.square(tf.subtract(*one_rank(x, y)))
    if x.shape.rank == y.shape.rank or not (x.shape.is_fully_defined() and y.shape.is_fully_defined()):
        return None
    x, y = one_rank(x, y)
    op = "AddV2" if node.op == "BiasAdd" else node.op
    return getattr(tf.raw_ops, op)(x=x, y=y)


def one_rank(x: Any, y: Any) -> tuple[Any, Any]:
    """Return both tensors with the rank of the larger one."""
    rank = max(x.shape.rank, y.shape.rank)
    x, y = (reshaped(z, [1] * (rank - z.shape.rank) + z.shape.as_list()) for z in (x, y))
    return x, y


def _bounded(node: Any, inputs: Sequence[Any]) -> Any:
    """Maximum and Minimum with a single constant are a clipping that is open on one side."""
    import tensorflow as tf

    for x, other in (inputs, inputs[::-1]):
        value = tf.get_static_value(other)
        if value is None or value.size != 1 or not x.dtype.is_floating:
            continue
        if list(x.shape) != list(tf.broadcast_static_shape(x.shape, other.shape)):
            continue
        low, high = (value.item(), _LARGEST) if node.op == "Maximum" else (-_LARGEST, value.item())
        return clipped(x, low, high)
    return _levelled(node, inputs)


def clipped(x: Any, low: float, high: float) -> Any:
    """Return the tensor between two bounds."""
    import tensorflow as tf

    bounds = tf.constant(low, x.dtype), tf.constant(high, x.dtype)
    return tf.raw_ops.ClipByValue(t=x, clip_value_min=bounds[0], clip_value_max=bounds[1])


def _neg(_node: Any, inputs: Sequence[Any]) -> Any:
    return multiplied(inputs[0], -1)


def _rsqrt(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.raw_ops.Reciprocal(x=tf.sqrt(inputs[0]))


def _pow(_node: Any, inputs: Sequence[Any]) -> Any:
    """Take whole and half exponents; what else there is stays (see `spelling.py`)."""
    import tensorflow as tf

    x, exponent = inputs[0], tf.get_static_value(inputs[1])
    if exponent is None or exponent.size != 1:
        return None
    match exponent.item():
        case 2.0:
            return tf.square(x)
        case 3.0:
            return tf.raw_ops.Mul(x=tf.square(x), y=x)
        case 0.5:
            return tf.sqrt(x)
        case -0.5:
            return tf.raw_ops.Reciprocal(x=tf.sqrt(x))
        case -1.0:
            return tf.raw_ops.Reciprocal(x=x)
        case 1.0:
            return x
    return None


RULES = {
    **dict.fromkeys(("AddV2", "Add", "Sub", "Mul", "RealDiv", "BiasAdd", "SquaredDifference"), _binary),
    "Maximum": _bounded,
    "Minimum": _bounded,
    "Neg": _neg,
    "Rsqrt": _rsqrt,
    "Pow": _pow,
    "BroadcastTo": _enlarged_to,
}
