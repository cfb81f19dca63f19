"""Softplus on both sides of the bound, where float32 overflows, and where it is all but nothing."""

from __future__ import annotations

import tensorflow as tf

from tests.unit.export.graph_cases import table

_STEPS = ((-1e30, -89.0, -40.0, -1.0, -0.0, 0.0, 1e-20, 0.3, 39.9, 40.0, 40.1, 88.0, 89.0, 1e30, float("inf")),)

CASES = table("Softplus", (15,), values=_STEPS, lacks=(), has=(("Softplus", 1), ("Relu", 1)))(large=tf.math.softplus)
