"""Tanh on both sides of the bound."""

from __future__ import annotations

import tensorflow as tf

from tests.unit.export.graph_cases import table

_STEPS = ((-1e30, -89.0, -44.0, -20.0, -19.9, -1.0, -0.0, 0.0, 1e-20, 0.3, 19.9, 20.0, 20.1, 44.0, float("inf")),)

CASES = table("Tanh", (15,), values=_STEPS, lacks=(), has=(("Tanh", 1), ("ClipByValue", 1)))(large=tf.tanh)
