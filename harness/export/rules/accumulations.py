"""Products of all that came before (Cumprod), which ONNX does not have: `tf2onnx has no conversion for Cumprod`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.rules.slices import reversed_along


def _cumulative_product(node: Any, inputs: Sequence[Any]) -> Any:
    """Multiply with what lies 1, 2, 4, ... places before: as many steps as the length has binary digits."""
    import tensorflow as tf

    x, axis = inputs[0], tf.get_static_value(inputs[1])
    if axis is None or not x.shape.is_fully_defined():
        return None
    axis = int(axis) % x.shape.rank
    made = reversed_along(x, axis) if node.attr["reverse"].b else x
    if node.attr["exclusive"].b:
        made = _behind_ones(made, axis, 1)
    step = 1
    while step < x.shape[axis]:
        made = made * _behind_ones(made, axis, step)
        step *= 2
    return reversed_along(made, axis) if node.attr["reverse"].b else made


def _behind_ones(x: Any, axis: int, count: int) -> Any:
    """Return the tensor moved along an axis by some places, which are filled with ones."""
    import tensorflow as tf

    sizes = x.shape.as_list()
    ones = tf.ones([count if index == axis else size for index, size in enumerate(sizes)], x.dtype)
    kept = tf.slice(x, [0] * len(sizes), [size - count if index == axis else size for index, size in enumerate(sizes)])
    return tf.concat([ones, kept], axis)


RULES = {"Cumprod": _cumulative_product}
