"""Colours by hue and by red, green and blue, which tf2onnx does not convert: arithmetic on channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def _to_hsv(_node: Any, inputs: Sequence[Any]) -> Any:
    """Take the sixth of the hue circle by the largest channel, as TensorFlow's kernel does: red first, then green."""
    import tensorflow as tf

    red, green, blue = tf.split(inputs[0], 3, axis=-1)
    value = tf.maximum(tf.maximum(red, green), blue)
    spread = value - tf.minimum(tf.minimum(red, green), blue)
    saturation = _ratio(spread, value)
    by_red = _ratio(green - blue, spread) / 6
    by_green = (_ratio(blue - red, spread) + 2) / 6
    by_blue = (_ratio(red - green, spread) + 4) / 6
    is_red, is_green = _flag(red >= value, red), _flag(green >= value, red)
    hue = is_red * by_red + (1 - is_red) * (is_green * by_green + (1 - is_green) * by_blue)
    hue = hue * _flag(spread > 0, red)
    return tf.concat([hue + _flag(hue < 0, red), saturation, value], axis=-1)


def _to_rgb(_node: Any, inputs: Sequence[Any]) -> Any:
    """Mix each channel from where the hue lies on the circle: full near its own colour, none opposite."""
    import tensorflow as tf

    hue, saturation, value = tf.split(inputs[0], 3, axis=-1)
    six = hue * 6
    shares = (tf.abs(six - 3) - 1, 2 - tf.abs(six - 2), 2 - tf.abs(six - 4))
    mixed = [(1 - saturation + saturation * tf.clip_by_value(share, 0, 1)) * value for share in shares]
    return tf.concat(mixed, axis=-1)


def _ratio(part: Any, whole: Any) -> Any:
    """Return part / whole, or 0 where the whole is not above 0."""
    there = _flag(whole > 0, part)
    return there * part / (whole * there + (1 - there))


def _flag(condition: Any, like: Any) -> Any:
    import tensorflow as tf

    return tf.cast(condition, like.dtype)


RULES = {"RGBToHSV": _to_hsv, "HSVToRGB": _to_rgb}
