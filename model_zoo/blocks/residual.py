"""Residual blocks: the sum of a path and its shortcut."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, image

_family = Family(__name__, "blocks")


def residual(keras: Any, x: Any) -> Any:
    """Return ResNet's basic block (He et al. 2015): two 3x3 convolutions, halving size, projected shortcut."""
    nn = keras.layers
    path = nn.Conv2D(12, 3, strides=2, padding="same", use_bias=False)(x)
    path = nn.ReLU()(nn.BatchNormalization()(path))
    path = nn.BatchNormalization()(nn.Conv2D(12, 3, padding="same", use_bias=False)(path))
    shortcut = nn.BatchNormalization()(nn.Conv2D(12, 1, strides=2, use_bias=False)(x))
    return nn.ReLU()(nn.Add()([path, shortcut]))


CASES = (_family.graph("residual", image(13, 18, 8), residual),)
