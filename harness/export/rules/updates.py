"""A tensor with a part of it exchanged, at a constant place: Keras's `ops.slice_update`, by XLA's op.

`tf2onnx has no conversion for XlaDynamicUpdateSlice`. What lies around the part, joined with it, is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def _exchanged(_node: Any, inputs: Sequence[Any]) -> Any:
    import numpy as np
    import tensorflow as tf

    x, update, begin = inputs[0], inputs[1], tf.get_static_value(inputs[2])
    if begin is None or not x.shape.is_fully_defined() or not update.shape.is_fully_defined():
        return None
    last = np.subtract(x.shape.as_list(), update.shape.as_list())  # XLA moves the part to where it fits
    return _placed(x, update, np.clip(begin, 0, last).tolist(), 0)


def _placed(x: Any, update: Any, begin: list[int], axis: int) -> Any:
    """Return x with the update in place, both being of the same size along the axes before `axis`."""
    import tensorflow as tf

    if axis == len(begin):
        return update
    start, size = begin[axis], int(update.shape[axis])
    parts = tf.split(x, [start, size, int(x.shape[axis]) - start - size], axis)
    parts[1] = _placed(parts[1], update, begin, axis + 1)
    parts = [part for part in parts if part.shape[axis]]
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis)


RULES = {"XlaDynamicUpdateSlice": _exchanged}
