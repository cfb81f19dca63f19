"""Functions that ONNX does not have."""

from __future__ import annotations

import tensorflow as tf

from tests.unit.export.graph_cases import table

_TAILS = ((-30.0, -6.0, -1.5, -1e-3, -0.0, 0.0, 1e-9, 1e-3, 0.5, 3.0, 6.0, 30.0),)
_tails = {"values": _TAILS}

CASES = [
    *table("Erfc", (12,), **_tails)(tails=tf.math.erfc, gelu=lambda x: 0.5 * x * tf.math.erfc(-x * 0.5**0.5)),
    *table("Expm1", (7,), values=((-30.0, -1.0, -1e-6, 0.0, 1e-6, 1.0, 9.0),))(around_zero=tf.math.expm1),
    *table("LogSoftmax", (3, 7))(rows=tf.nn.log_softmax),
    *table("LogSoftmax", (1, 4), values=(((0.0, -30.0, -120.0, -1e4),),))(far_below=tf.nn.log_softmax),
    *table("LogSoftmax", (2, 3, 4, 5))(channels=tf.nn.log_softmax),
    *table("Log1p", (6,), values=((-0.999, -1e-6, 0.0, 1e-6, 1.0, 1e9),))(around_zero=tf.math.log1p),
]
