"""Arithmetic on tensors of different shape, where the smaller one is computed.

OpenCV 4 holds a vector of n as an n x 1 matrix, and broadcasts that: `(1, 5, 7, 3) + (3,)` then adds other numbers than
it should. Keras's Add makes such sums, as BiasAdd, whenever one side is a vector but for axes of 1; those along axis 1
tf2onnx adds along the last. With ones in the other axes both have one rank.

OpenCV 5.0 lets a convolution add what is added to it, even if that is larger ("residual added after convolution must
have the same shape"); from a difference it keeps its hands off. OpenCV 4 lets a 3-D convolution take over any sum with
a computed tensor, and then refuses it ("Conv3D does not support Conv+Add fusion optimization!").

OpenCV 5.0 holds convolved images in blocks of channels, and of two such images with different numbers of channels makes
one with an axis too many ("C0 <= 1 in toLayout", or a result of shape (1, 1, 8, 10, 8) for (1, 6, 8, 10)).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_IMAGE_RANK = 4
_CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2dNative"})
_HANDED_ON = frozenset(
    {"Identity", "BiasAdd", "AddV2", "Add", "Sub", "Mul", "Neg", "Exp", "Sqrt", "Rsqrt", "Square", "Abs"}
    | {"Sigmoid", "Tanh", "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Softplus", "Erf", "Minimum", "Maximum"}
    | {"FusedBatchNormV3", "ResizeNearestNeighbor", "ResizeBilinear", "PadV2", "Pad"}
)
_OPS = (
    *("Add", "AddV2", "Sub", "Mul", "Div", "RealDiv", "DivNoNan", "FloorDiv", "FloorMod", "Pow", "SquaredDifference"),
    *("Maximum", "Minimum", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "SelectV2"),
)


def _same_rank(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    level = _as_many_channels(levelled(inputs))
    if node.op in {"Add", "AddV2"} and (apart := _kept_apart(*level)) is not None:
        return apart
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


def _as_many_channels(tensors: Sequence[Any]) -> list[Any]:
    """Repeat the one channel of an attention map, by a 1x1 convolution with ones, where others have more."""
    import tensorflow as tf

    if not all(tensor.shape.rank == _IMAGE_RANK and tensor.shape.is_fully_defined() for tensor in tensors):
        return list(tensors)
    channels = max(int(tensor.shape[-1]) for tensor in tensors)
    return [
        tf.nn.conv2d(tensor, tf.ones([1, 1, 1, channels], tensor.dtype), 1, "VALID")
        if tensor.shape[-1] == 1 < channels and tensor.dtype.is_floating and _is_blocked(tensor)
        else tensor
        for tensor in tensors
    ]


def _is_blocked(tensor: Any) -> bool:
    """Whether OpenCV 5 may hold a tensor in blocks of channels: what convolutions give, and elementwise ops hand on."""
    operation = tensor.op
    while operation.type in _HANDED_ON:
        operation = operation.inputs[0].op
    return operation.type in {*_CONVOLUTIONS, "Conv2DBackpropInput", "MaxPool", "AvgPool"}


def _computed_bias(node: Any, inputs: Sequence[Any]) -> Any:
    """Keras adds the two products of a recurrent cell by BiasAdd, having squeezed one to a vector."""
    import tensorflow as tf

    x, bias = inputs
    rank, second = x.shape.rank or 0, node.attr["data_format"].s == b"NCHW"
    if second and rank != _IMAGE_RANK and bias.op.type == "Const":
        value = tf.get_static_value(bias)
        return tf.raw_ops.AddV2(x=x, y=tf.constant(value.reshape(-1, *[1] * (rank - 2))))
    if not _is_short(bias, rank):
        return None
    level = _reached(bias, [1, int(bias.shape[0]), *[1] * (rank - 2)]) if second else _with_ones(bias, rank)
    apart = _kept_apart(x, level)
    return tf.raw_ops.AddV2(x=x, y=level) if apart is None else apart


def _kept_apart(x: Any, y: Any) -> Any:
    """Return the sum as a difference where OpenCV would have a convolution compute it; None elsewhere."""
    import tensorflow as tf

    if None in {x.shape.rank, y.shape.rank}:
        return None
    for whole, part in ((x, y), (y, x)):
        broadcast = tf.broadcast_static_shape(whole.shape, part.shape)
        if not whole.dtype.is_floating or list(whole.shape) != list(broadcast):
            continue
        source = _source(part)
        unequal = list(part.shape) != list(broadcast) and source.type in _CONVOLUTIONS
        if unequal or (source.type == "Conv3D" and whole.op.type != "Const"):
            return tf.raw_ops.Sub(x=whole, y=part * tf.constant(-1, part.dtype))
    return None


def _source(tensor: Any) -> Any:
    """Return the operation behind a bias and changes of shape."""
    while tensor.op.type in {"Identity", "BiasAdd", "AddV2", "Squeeze", "Reshape", "ExpandDims"}:
        tensor = tensor.op.inputs[0]
    return tensor.op


def _is_short(tensor: Any, rank: int) -> bool:
    """Whether a tensor is computed, of lower rank and known shape; importers bring constants to rank themselves."""
    if tensor.op.type == "Const" or not tensor.shape.is_fully_defined():
        return False
    return bool(0 < tensor.shape.rank < rank)


def _with_ones(tensor: Any, rank: int) -> Any:
    """Return the tensor with leading ones, without the Squeeze or Reshape that had just removed some."""
    return _reached(tensor, [1] * (rank - tensor.shape.rank) + tensor.shape.as_list())


def _reached(tensor: Any, shape: list[int]) -> Any:
    import tensorflow as tf

    while tensor.op.type in {"Squeeze", "Reshape", "ExpandDims", "Identity"}:
        tensor = tensor.op.inputs[0]
    return tensor if tensor.shape.as_list() == shape else tf.reshape(tensor, shape)


RULES = {**dict.fromkeys(_OPS, _same_rank), "BiasAdd": _computed_bias}
