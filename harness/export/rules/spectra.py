"""Fourier transforms of real signals, which tf2onnx does not convert: products with constant cosines and sines.

Complex numbers are carried as pairs, which Real, Imag and ComplexAbs take apart again; nothing else reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_LONGEST = 4096
"""The matrices have as many rows, and half as many columns."""


def _real_transform(_node: Any, inputs: Sequence[Any]) -> Any:
    import numpy as np
    import tensorflow as tf

    x, length = inputs[0], tf.get_static_value(inputs[1])
    if length is None or not x.shape.is_fully_defined() or int(length[0]) > _LONGEST:
        return None
    size = int(length[0])
    used = min(size, int(x.shape[-1]))  # what is missing is nought, what is too much is cut off
    angles = 2 * np.pi * (np.outer(np.arange(used), np.arange(size // 2 + 1)) % size) / size
    rows = tf.slice(x, [0] * x.shape.rank, [*x.shape.as_list()[:-1], used])
    parts = [tf.matmul(rows, tf.constant(wave, x.dtype)) for wave in (np.cos(angles), -np.sin(angles))]
    return tf.complex(*parts)


def _part(of: int) -> Any:
    def rule(_node: Any, inputs: Sequence[Any]) -> Any:
        pair = _pair(inputs[0])
        return None if pair is None else pair[of]

    return rule


def _magnitude(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    pair = _pair(inputs[0])
    return None if pair is None else tf.sqrt(tf.square(pair[0]) + tf.square(pair[1]))


def _pair(tensor: Any) -> Sequence[Any] | None:
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor.op.inputs if tensor.op.type == "Complex" else None


RULES = {"RFFT": _real_transform, "Real": _part(0), "Imag": _part(1), "ComplexAbs": _magnitude}
