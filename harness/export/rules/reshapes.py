"""Reshapes with every size written out: a -1 is worked out by each importer anew, and some give up behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def _spelt(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    x, shape = inputs[0], tf.get_static_value(inputs[1])
    if shape is None or not x.shape.is_fully_defined() or -1 not in shape:
        return None
    known = -int(shape.prod())
    total = int(x.shape.num_elements())
    return tf.reshape(x, [total // known if size == -1 else int(size) for size in shape]) if known else None


RULES = {"Reshape": _spelt}
