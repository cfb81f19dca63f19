"""Tensors with a part exchanged."""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorflow.compiler.tf2xla.python import xla

from tests.unit.export.graph_cases import table


def _at(*begin: int) -> Any:
    return lambda x, part: xla.dynamic_update_slice(x, part, np.array(begin, np.int32))


_options = {"compiled": True}

CASES = [
    *table("XlaDynamicUpdateSlice", (4, 5, 6), (2, 5, 3), **_options)(
        corner=_at(0, 0, 0), inside=_at(1, 0, 2), end=_at(2, 0, 3), beyond=_at(9, 1, 9)
    ),
    *table("XlaDynamicUpdateSlice", (4, 5), (4, 5), **_options)(whole=lambda x, part: _at(0, 0)(x, part) + x),
    *table("XlaDynamicUpdateSlice", (7,), (1,), **_options)(single=_at(3)),
]
LEFT_ALONE = [
    *table("XlaDynamicUpdateSlice", (4, 5), (2, 2))(
        at_a_computed_place=lambda x, part: xla.dynamic_update_slice(x, part, _place(x))
    )
]


def _place(x: Any) -> Any:
    import tensorflow as tf

    return tf.cast(tf.abs(x[0, :2]), tf.int32)
