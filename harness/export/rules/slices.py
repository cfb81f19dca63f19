"""Going backwards: ReverseV2, slices with a negative step, and padding by reflection.

tf2onnx makes ReverseSequence of the first, for which no OpenCV has a layer; OpenCV 4 takes a negative step for a
negative size ("total(os[i]) > 0"); it reflects images only where its own order of axes has height and width.
Single slices, joined the other way round, are read by all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_MOST_PIECES = 64


def reversed_along(x: Any, axis: int) -> Any:
    """Return the tensor turned round along one axis."""
    import tensorflow as tf

    size = int(x.shape[axis])
    if size <= _MOST_PIECES:
        return x if size == 1 else tf.concat(tf.split(x, size, axis)[::-1], axis)
    return tf.gather(x, list(range(size - 1, -1, -1)), axis=axis)


def _reverse(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, axes = inputs[0], tf.get_static_value(inputs[1])
    if axes is None or not x.shape.is_fully_defined():
        return None
    for axis in axes.reshape(-1):
        x = reversed_along(x, int(axis) % x.shape.rank)
    return x


def spans(node: Any, inputs: Sequence[Any]) -> list[slice | int | None] | None:
    """Read a StridedSlice as Python's own index: a slice or a number for each axis, None for a new one.

    Returns None where the bounds are not constant.
    """
    import tensorflow as tf

    begin, end, step = (tf.get_static_value(tensor) for tensor in inputs[1:4])
    if begin is None or end is None or step is None or inputs[0].shape.rank is None:
        return None
    found: list[slice | int | None] = []

    def marked(mask: str, index: int) -> bool:
        return bool(node.attr[mask].i >> index & 1)

    for index in range(len(begin)):
        if marked("ellipsis_mask", index):
            others = (other for other in range(len(begin)) if other != index)
            used = sum(not marked("new_axis_mask", other) for other in others)
            found += [slice(None)] * (inputs[0].shape.rank - used)
        elif marked("new_axis_mask", index):
            found.append(None)
        elif marked("shrink_axis_mask", index):
            found.append(int(begin[index]))
        else:
            start = None if marked("begin_mask", index) else int(begin[index])
            stop = None if marked("end_mask", index) else int(end[index])
            found.append(slice(start, stop, int(step[index])))
    return found


def _backwards(node: Any, inputs: Sequence[Any]) -> Any:
    found, x = spans(node, inputs), inputs[0]
    if found is None or not x.shape.is_fully_defined():
        return None
    if not any(isinstance(span, slice) and (span.step or 1) < 0 for span in found):
        return None
    axis = 0
    for index, span in enumerate(found):
        if isinstance(span, slice) and (span.step or 1) < 0:
            positions, last = range(int(x.shape[axis]))[span], int(x.shape[axis]) - 1
            if not positions:
                return None
            x = reversed_along(x, axis)
            found[index] = slice(last - positions[0], last - positions[-1] + 1, -positions.step)
        axis += span is not None
    return x[tuple(found)]


def _roll(_node: Any, inputs: Sequence[Any]) -> Any:
    """Join what leaves at one end to the other; Swin's shifted windows do it."""
    import tensorflow as tf

    x, shifts, axes = inputs[0], tf.get_static_value(inputs[1]), tf.get_static_value(inputs[2])
    if shifts is None or axes is None or not x.shape.is_fully_defined():
        return None
    for shift, number in zip(shifts.reshape(-1).tolist(), axes.reshape(-1).tolist(), strict=True):
        axis, size = number % x.shape.rank, int(x.shape[number])
        start = -shift % size
        if start:
            x = tf.concat([_cut(x, axis, start, size - start), _cut(x, axis, 0, start)], axis)
    return x


def _mirror_pad(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, widths = inputs[0], tf.get_static_value(inputs[1])
    if widths is None or not x.shape.is_fully_defined():
        return None
    skipped = 0 if node.attr["mode"].s == b"SYMMETRIC" else 1  # whether the border itself is repeated
    for axis, (before, after) in enumerate(widths.tolist()):
        size = int(x.shape[axis])
        pieces = [x]
        if before:
            pieces.insert(0, reversed_along(_cut(x, axis, skipped, before), axis))
        if after:
            pieces.append(reversed_along(_cut(x, axis, size - skipped - after, after), axis))
        x = tf.concat(pieces, axis) if len(pieces) > 1 else x
    return x


def _cut(x: Any, axis: int, start: int, size: int) -> Any:
    import tensorflow as tf

    begin, sizes = [0] * x.shape.rank, x.shape.as_list()
    begin[axis], sizes[axis] = start, size
    return tf.slice(x, begin, sizes)


def _band(_node: Any, inputs: Sequence[Any]) -> Any:
    """Upper and lower triangles, by a constant mask."""
    import numpy as np
    import tensorflow as tf

    x = inputs[0]
    lower, upper = (tf.get_static_value(tensor) for tensor in inputs[1:3])
    if lower is None or upper is None or not x.shape.is_fully_defined():
        return None
    rows, columns = np.indices(x.shape.as_list()[-2:])
    kept = ((lower < 0) | (rows - columns <= lower)) & ((upper < 0) | (columns - rows <= upper))
    return x * tf.constant(kept.astype(x.dtype.as_numpy_dtype))


RULES = {
    "ReverseV2": _reverse,
    "StridedSlice": _backwards,
    "MirrorPad": _mirror_pad,
    "Roll": _roll,
    "MatrixBandPart": _band,
}
