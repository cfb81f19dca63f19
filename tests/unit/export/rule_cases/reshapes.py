"""Reshapes to sizes that are left open."""

from __future__ import annotations

import tensorflow as tf

from tests.unit.export.graph_cases import table

_spelt = table("Reshape", (2, 3, 4, 5), lacks=())

CASES = _spelt(
    first=lambda x: tf.reshape(x, (-1, 5)),
    middle=lambda x: tf.reshape(x, (2, -1, 5)),
    last=lambda x: tf.reshape(x, (2, 3, -1)),
    flat=lambda x: tf.reshape(x, (-1,)),
)
LEFT_ALONE = _spelt(spelt_already=lambda x: tf.reshape(x, (6, 20)))
