"""Functions of one number that ONNX does not have, and logarithms of a softmax.

`tf2onnx has no conversion for Erfc` is what exact GELU ends in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def _erfc(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    return 1 - tf.math.erf(inputs[0])


def _expm1(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.exp(inputs[0]) - 1


def _log1p(_node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.math.log(inputs[0] + 1)


def _log_softmax(_node: Any, inputs: Sequence[Any]) -> Any:
    """Take no logarithm of what may be nought: every OpenCV computes log(softmax), -infinity from 104 below the top."""
    import tensorflow as tf

    shifted = inputs[0] - tf.reduce_max(inputs[0], -1, keepdims=True)
    return shifted - tf.math.log(tf.reduce_sum(tf.exp(shifted), -1, keepdims=True))


RULES = {"Erfc": _erfc, "Expm1": _expm1, "Log1p": _log1p, "LogSoftmax": _log_softmax}
