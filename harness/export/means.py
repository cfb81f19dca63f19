"""A float64 twin whose means over many values are off by as much as their sums may be in float32.

A sum of n numbers, added one after another, is off by at most (n - 1) u times the sum of their magnitudes (Higham,
Accuracy and Stability of Numerical Algorithms, 4.2). TensorFlow adds in a tree, so that its own rounding tells nothing
of it; OpenCV and others do not, and on smooth images the roundings of neighbours go the same way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from harness.export import twin
from harness.export.network import Interface
from harness.export.retracing import retrace

MANY = 256
"""Values that make a mean worth it: below, its rounding is that of any convolution."""


def concern(graph: Any) -> bool:
    """Whether a GraphDef takes means at all."""
    return any(node.op == "Mean" for node in graph.node)


def build(graph: Any, interface: Interface) -> twin.GraphTwin:
    """Return the twin of a frozen GraphDef without control inputs. Raises NoTwinError where there is none."""
    return twin.build(retrace(graph, {"Mean": off}), interface)


def off(node: Any, inputs: Sequence[Any]) -> Any:
    """Write a mean over many values as one that is off; None where it is over few, or over nobody knows how many."""
    import tensorflow as tf

    x, axes = inputs[0], tf.get_static_value(inputs[1])
    if axes is None or not x.dtype.is_floating:
        return None
    sizes = [x.shape[int(axis)] for axis in axes.reshape(-1)]
    if None in sizes or math.prod(sizes) < MANY:
        return None
    keep = node.attr["keep_dims"].b
    bound = (math.prod(sizes) - 1) * twin.SINGLE
    return tf.reduce_mean(x, axes, keep) + bound * tf.reduce_mean(tf.abs(x), axes, keep)
