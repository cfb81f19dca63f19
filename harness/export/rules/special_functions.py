"""Erfc, Expm1 and Log1p, which ONNX does not have: `tf2onnx has no conversion for Erfc` is what exact GELU ends in."""

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


RULES = {"Erfc": _erfc, "Expm1": _expm1, "Log1p": _log1p}
