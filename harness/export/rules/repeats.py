"""Tiling and repeating. Keras's UpSampling2D repeats rows and columns: it expands, tiles and reshapes.

OpenCV up to 4.10 tiles tensors of five axes wrongly, and its .pb importer cannot tile at all ("Tile: repeats needs to
be treated as parameter"). Joined copies are read by all; and repeating rows and columns is resizing to the nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_MOST_COPIES = 64
_IMAGE_RANK = 4


def _tile(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, multiples = inputs[0], tf.get_static_value(inputs[1])
    if multiples is None or max(multiples, default=1) > _MOST_COPIES or min(multiples, default=1) < 1:
        return None
    for axis, times in enumerate(multiples):
        x = tf.concat([x] * int(times), axis) if times > 1 else x
    return x


def _merged_copies(_node: Any, inputs: Sequence[Any]) -> Any:
    """Find a Reshape that merges the copies of an axis with the axis: `(1, 5, 2, 7, 3)` to `(1, 10, 7, 3)`."""
    import tensorflow as tf

    shape, copies = tf.get_static_value(inputs[1]), _copies(inputs[0])
    if shape is None or copies is None:
        return None
    x, axis, times = copies
    sizes = x.shape.as_list()
    whole = [*sizes[: axis - 1], sizes[axis - 1], *sizes[axis + 1 :]]
    wanted = [*sizes[: axis - 1], sizes[axis - 1] * times, *sizes[axis + 1 :]]
    total = inputs[0].shape.num_elements()
    given = [total // -int(shape.prod()) if size == -1 else int(size) for size in shape]
    if sizes[axis] != 1 or axis - 1 not in {1, 2} or len(whole) != _IMAGE_RANK or given != wanted:
        return None
    return enlarged(tf.reshape(x, whole) if _source(x, whole) is None else _source(x, whole), wanted[1:3])


def _copies(tensor: Any) -> tuple[Any, int, int] | None:
    """Return what a tensor is copies of, along which axis, and how many; None where it is something else."""
    import tensorflow as tf

    operation = tensor.op.inputs[0].op if tensor.op.type == "Identity" else tensor.op
    if operation.type != "ConcatV2" or not tensor.shape.is_fully_defined():
        return None
    *parts, axis = operation.inputs
    if any(part is not parts[0] for part in parts):
        return None
    return parts[0], int(tf.get_static_value(axis)) % tensor.shape.rank, len(parts)


def _source(x: Any, shape: list[int]) -> Any:
    """Return the tensor of this shape that was only expanded to x, or None."""
    while x.op.type in {"Identity", "ExpandDims", "Reshape"}:
        x = x.op.inputs[0]
        if x.shape.as_list() == shape:
            return x
    return None


def enlarged(x: Any, size: Sequence[int]) -> Any:
    """Return an image resized to the nearest, in one step with a resize that was just done."""
    import tensorflow as tf

    before = x.op.inputs[0].op if x.op.type == "Identity" else x.op
    if before.type == "ResizeNearestNeighbor" and _repeats(before):
        x = before.inputs[0]
    return tf.raw_ops.ResizeNearestNeighbor(
        images=x, size=tf.constant(list(size), tf.int32), align_corners=False, half_pixel_centers=True
    )


def _repeats(resize: Any) -> bool:
    """Whether a resize to the nearest repeats each row and column equally often: only then is it one with the next."""
    before, after = (tensor.shape.as_list()[1:3] for tensor in (resize.inputs[0], resize.outputs[0]))
    whole = all(old and new and new % old == 0 for old, new in zip(before, after, strict=True))
    return whole and bool(resize.get_attr("half_pixel_centers"))


RULES = {"Tile": _tile, "Reshape": _merged_copies}
