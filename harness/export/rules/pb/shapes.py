"""Shapes and orders of axes, as the `.pb` importer can follow them.

It holds every tensor of four axes as NCHW and turns it to the graph's NHWC and back around a Reshape, if it knows what
it has. What it gets wrong, and what is done here instead:

* from another rank to four it turns a copy that nobody reads: from `(1, 1, 1, n)` to four it turns rightly;
* `(1, 1, W, C)` it reshapes without turning anything: two of them, of which one is cut off, it turns;
* of four axes it transposes none but NHWC <-> NCHW ("Only NHWC <-> NCHW permutations are allowed"): of five, any;
* masks of StridedSlice it ignores, Pack only joins along axis 0 ("Unsupported mode of pack operation").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.rules.slices import spans

_IMAGE_RANK = 4
_MOST_PIECES = 64


def reshaped(x: Any, shape: Sequence[int]) -> Any:
    """Return the tensor in another shape, by ways that the importer takes rightly."""
    import tensorflow as tf

    shape, x = [int(size) for size in shape], unshaped(x)
    if x.shape.as_list() == shape:
        return x
    if len(shape) == _IMAGE_RANK and shape[0] == shape[1] == 1 and shape[2] > 1 and shape[3] > 1:
        row = reshaped(x, [1, x.shape.num_elements()])
        return cut(reshaped(tf.concat([row, row], 1), [1, 2, *shape[2:]]), 1, 0, 1)
    if len(shape) == _IMAGE_RANK and x.shape.rank != _IMAGE_RANK:
        x = tf.reshape(x, [1, 1, 1, x.shape.num_elements()])
    if x.shape.as_list() == shape:
        return x
    return tf.reshape(known(x) if x.shape.rank == _IMAGE_RANK else x, shape)


def unshaped(x: Any) -> Any:
    """Return the tensor that was only reshaped to this one, by whatever ways."""
    while True:
        operation = x.op
        if operation.type in {"Identity", "Reshape", "ExpandDims", "Squeeze"} or _moves_nothing(operation):
            x = operation.inputs[0]
        elif operation.type == "Slice" and (twice := operation.inputs[0].op).type == "Reshape":
            double = unshaped(twice.inputs[0]).op
            if not _is_first_half(operation, twice.outputs[0], double):
                return x
            x = double.inputs[0]
        else:
            return x


def _is_first_half(cut_off: Any, rows: Any, double: Any) -> bool:
    """Whether a Slice is the way to a row that `reshaped` takes: the first of two that hold the same."""
    import tensorflow as tf

    if double.type != "ConcatV2" or len(double.inputs) != 3 or double.inputs[0] is not double.inputs[1]:
        return False
    single, shape, begin = (
        double.inputs[0].shape.as_list(),
        rows.shape.as_list(),
        tf.get_static_value(cut_off.inputs[1]),
    )
    if single != [1, double.outputs[0].shape[1] // 2] or shape[:2] != [1, 2] or begin is None or begin.any():
        return False
    return bool(cut_off.outputs[0].shape.as_list() == [1, 1, *shape[2:]])


def _moves_nothing(operation: Any) -> bool:
    import tensorflow as tf

    if operation.type == "MaxPool":
        return set(operation.get_attr("ksize")) == set(operation.get_attr("strides")) == {1}
    if operation.type != "Transpose":
        return False
    order = tf.get_static_value(operation.inputs[1])
    return order is not None and list(order) == sorted(order)


def known(image: Any) -> Any:
    """Return an image by way of a pooling that changes nothing, where only reshaping lies behind it.

    What a Reshape gives the importer takes for NCHW; a pooling says that it is NHWC, as `spelling.py` does of others.
    """
    import tensorflow as tf

    operation = image.op
    while operation.type == "Identity":
        operation = operation.inputs[0].op
    if operation.type not in {"Reshape", "ExpandDims"}:
        return image
    return tf.raw_ops.MaxPool(input=image, ksize=[1] * 4, strides=[1] * 4, padding="VALID", data_format="NHWC")


def transposed(x: Any, order: Sequence[int]) -> Any:
    """Return the tensor with its axes in another order; four axes go by way of five."""
    import tensorflow as tf

    order = [int(axis) for axis in order]
    if order == sorted(order):
        return x
    if x.shape.rank != _IMAGE_RANK:
        return tf.transpose(x, order)
    sizes = x.shape.as_list()
    turned = tf.transpose(reshaped(x, [*sizes, 1]), [*order, _IMAGE_RANK])
    return reshaped(turned, [sizes[axis] for axis in order])


def joined(parts: Sequence[Any], axis: int) -> Any:
    """Return tensors joined along an axis."""
    import tensorflow as tf

    return parts[0] if len(parts) == 1 else tf.concat(list(parts), axis)


def _reshape(node: Any, inputs: Sequence[Any]) -> Any:
    """Take Reshape, Squeeze and ExpandDims alike: only the shape they give counts."""
    import tensorflow as tf

    x = inputs[0]
    if not x.shape.is_fully_defined() or not x.dtype.is_floating or x.op.type == "Const":
        return None
    if node.op == "Reshape":
        shape = tf.get_static_value(inputs[1])
        made = None if shape is None else tf.reshape(x, shape).shape
    elif node.op == "Squeeze":
        made = tf.squeeze(x, list(node.attr["squeeze_dims"].list.i)).shape
    else:
        axis = tf.get_static_value(inputs[1])
        made = None if axis is None else tf.expand_dims(x, int(axis)).shape
    if made is None or not made.rank:
        return None
    return reshaped(x, made.as_list())


def _transpose(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    order = tf.get_static_value(inputs[1])
    if order is None or not inputs[0].shape.is_fully_defined():
        return None
    return transposed(inputs[0], order)


def _pack(node: Any, inputs: Sequence[Any]) -> Any:
    if not all(x.shape.is_fully_defined() for x in inputs):
        return None
    rank = inputs[0].shape.rank + 1
    axis = int(node.attr["axis"].i) % rank
    sizes = inputs[0].shape.as_list()
    return joined([reshaped(x, [*sizes[:axis], 1, *sizes[axis:]]) for x in inputs], axis)


def _unpack(node: Any, inputs: Sequence[Any]) -> Any:
    x = inputs[0]
    if not x.shape.is_fully_defined():
        return None
    axis, sizes = int(node.attr["axis"].i) % x.shape.rank, x.shape.as_list()
    pieces = pieces_of(x, axis, [1] * sizes[axis])
    return [reshaped(piece, [*sizes[:axis], *sizes[axis + 1 :]]) for piece in pieces]


def pieces_of(x: Any, axis: int, sizes: Sequence[int]) -> list[Any]:
    """Cut a tensor into slices of these sizes."""
    pieces, start = [], 0
    for size in sizes:
        pieces.append(cut(x, axis, start, size))
        start += size
    return pieces


def cut(x: Any, axis: int, start: int, size: int) -> Any:
    """Return the part of a tensor from `start` on along an axis."""
    import tensorflow as tf

    begin, kept = [0] * x.shape.rank, x.shape.as_list()
    begin[axis], kept[axis] = start, size
    return tf.slice(x, begin, kept)


def _split(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    axis, x = tf.get_static_value(inputs[0]), inputs[1]
    if axis is None or not x.shape.is_fully_defined():
        return None
    axis, count = int(axis) % x.shape.rank, int(_node.attr["num_split"].i)
    return pieces_of(x, axis, [x.shape[axis] // count] * count)


def _split_unevenly(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, sizes, axis = inputs[0], tf.get_static_value(inputs[1]), tf.get_static_value(inputs[2])
    if sizes is None or axis is None or not x.shape.is_fully_defined() or -1 in sizes:
        return None
    return pieces_of(x, int(axis) % x.shape.rank, [int(size) for size in sizes])


def _strided_slice(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    found, x = spans(node, inputs), inputs[0]
    if found is None or not x.shape.is_fully_defined() or not x.dtype.is_floating or x.op.type == "Const":
        return None
    shape: list[int] = []
    axis = 0
    for span in found:
        if span is None:
            shape.append(1)
            continue
        size = int(x.shape[axis])
        positions = range(size)[span] if isinstance(span, slice) else range(span % size, span % size + 1)
        if not positions:
            return None
        if isinstance(span, slice):
            shape.append(len(positions))
        x = _taken(x, axis, positions)
        axis += 1
    shape += x.shape.as_list()[axis:]
    return reshaped(tf.identity(x), shape) if shape else None


def _taken(x: Any, axis: int, positions: range) -> Any:
    """Return the slices of a tensor at regular positions."""
    import tensorflow as tf

    if positions == range(int(x.shape[axis])):
        return x
    if positions.step < 0:
        taken = _taken(x, axis, positions[::-1])
        return joined(pieces_of(taken, axis, [1] * len(positions))[::-1], axis)
    if positions.step == 1 or len(positions) == 1:
        return cut(x, axis, positions[0], len(positions))
    begin, end, step = [0] * x.shape.rank, x.shape.as_list(), [1] * x.shape.rank
    begin[axis], end[axis], step[axis] = positions[0], positions[-1] + 1, positions.step
    return tf.strided_slice(x, begin, end, step)


def _gather(_node: Any, inputs: Sequence[Any]) -> Any:
    import numpy as np
    import tensorflow as tf

    x, indices, axis = inputs[0], tf.get_static_value(inputs[1]), tf.get_static_value(inputs[2])
    if indices is None or axis is None or not x.shape.is_fully_defined() or indices.ndim > 1:
        return None
    if indices.size > _MOST_PIECES:
        return None
    axis, sizes = int(axis) % x.shape.rank, x.shape.as_list()
    taken = joined([cut(x, axis, int(index) % sizes[axis], 1) for index in np.ravel(indices)], axis)
    return taken if indices.ndim else reshaped(taken, [*sizes[:axis], *sizes[axis + 1 :]])


def _concat(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    *parts, axis = inputs
    number = tf.get_static_value(axis)
    if number is None or number >= 0 or parts[0].shape.rank is None:
        return None
    return tf.concat(parts, int(number) % parts[0].shape.rank)


def _depth_to_space(node: Any, inputs: Sequence[Any]) -> Any:
    x, block = inputs[0], int(node.attr["block_size"].i)
    if not x.shape.is_fully_defined() or node.attr["data_format"].s == b"NCHW":
        return None
    n, h, w, c = x.shape.as_list()
    apart = reshaped(x, [n * h, w, block, block, c // block**2])
    return reshaped(transposed(apart, (0, 2, 1, 3, 4)), [n, h * block, w * block, c // block**2])


def _space_to_depth(node: Any, inputs: Sequence[Any]) -> Any:
    x, block = inputs[0], int(node.attr["block_size"].i)
    if not x.shape.is_fully_defined() or node.attr["data_format"].s == b"NCHW":
        return None
    n, h, w, c = x.shape.as_list()
    apart = reshaped(x, [n * h // block, block, w // block, block, c])
    return reshaped(transposed(apart, (0, 2, 1, 3, 4)), [n, h // block, w // block, c * block**2])


RULES = {
    "Reshape": _reshape,
    "Squeeze": _reshape,
    "ExpandDims": _reshape,
    "Transpose": _transpose,
    "Pack": _pack,
    "Unpack": _unpack,
    "Split": _split,
    "SplitV": _split_unevenly,
    "StridedSlice": _strided_slice,
    "GatherV2": _gather,
    "ConcatV2": _concat,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
}
