"""Colours: random ones, greys, primaries, ties between channels, black."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import table

_STEPS = np.linspace(0, 1, 5)
_RGB = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), -1).reshape(1, 5, 25, 3)
_HSV = np.stack(np.meshgrid(np.linspace(0, 1, 13), _STEPS, _STEPS), -1).reshape(1, 13, 25, 3)

CASES = [
    *table("RGBToHSV", (1, 5, 25, 3), values=(_RGB,), lacks=("RGBToHSV",))(grid=tf.image.rgb_to_hsv),
    *table("HSVToRGB", (1, 13, 25, 3), values=(_HSV,), lacks=("HSVToRGB",))(grid=tf.image.hsv_to_rgb),
]
