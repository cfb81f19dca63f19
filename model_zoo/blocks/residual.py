"""Residual blocks: the sum of a path and its shortcut."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "blocks", tier=Tier.FULL)


def residual(keras: Any, x: Any, filters: int = 12, strides: int = 2) -> Any:
    """Return ResNet's basic block (He et al. 2015): two 3x3 convolutions and a projected shortcut."""
    nn = keras.layers
    path = nn.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    path = nn.ReLU()(nn.BatchNormalization()(path))
    path = nn.BatchNormalization()(nn.Conv2D(filters, 3, padding="same", use_bias=False)(path))
    shortcut = nn.BatchNormalization()(nn.Conv2D(filters, 1, strides=strides, use_bias=False)(x))
    return nn.ReLU()(nn.Add()([path, shortcut]))


def bottleneck(keras: Any, x: Any, filters: int = 4, strides: int = 2) -> Any:
    """Return ResNet's deep block (He et al. 2015): reduce, filter, expand four times, projected shortcut."""
    nn = keras.layers
    path = conv_unit(keras, x, filters, 1, strides=strides)
    path = conv_unit(keras, conv_unit(keras, path, filters, 3), 4 * filters, 1, activation=None)
    shortcut = conv_unit(keras, x, 4 * filters, 1, strides=strides, activation=None)
    return nn.ReLU()(nn.Add()([path, shortcut]))


def pre_activation(keras: Any, x: Any, filters: int = 8) -> Any:
    """Return the block of ResNet V2 (He et al. 2016): normalise and activate first, leave the sum alone."""
    nn = keras.layers
    path = x
    for _ in range(2):
        path = nn.ReLU()(nn.BatchNormalization()(path))
        path = nn.Conv2D(filters, 3, padding="same")(path)
    return nn.Add()([x, path])


def res2net(keras: Any, x: Any, scales: int = 4, width: int = 3) -> Any:
    """Return Res2Net's block (Gao et al. 2019): each slice of the channels is filtered together with the one before."""
    nn = keras.layers
    split = conv_unit(keras, x, scales * width, 1)
    slices = [split[..., index * width : (index + 1) * width] for index in range(scales)]
    outputs = [slices[0], conv_unit(keras, slices[1], width)]
    for piece in slices[2:]:
        outputs.append(conv_unit(keras, nn.Add()([piece, outputs[-1]]), width))
    path = conv_unit(keras, nn.Concatenate()(outputs), scales * width, 1, activation=None)
    return nn.ReLU()(nn.Add()([x, path]))


def highway(keras: Any, x: Any, units: int = 11) -> Any:
    """Return a highway layer (Srivastava et al. 2015): a gate mixes the transformed with the plain input."""
    nn = keras.layers
    transformed = nn.Dense(units, activation="relu")(x)
    gate = nn.Dense(units, activation="sigmoid")(x)
    return nn.Add()([nn.Multiply()([gate, transformed]), nn.Multiply()([1 - gate, x])])


CASES = (
    _family.graph("residual", image(13, 18, 8), residual, tier=Tier.CORE),
    _family.graph("bottleneck", image(13, 18, 6), bottleneck),
    _family.graph("pre_activation", image(9, 14, 8), pre_activation),
    _family.graph("res2net", image(9, 14, 12), res2net),
    _family.graph("highway", tensor(11), highway),
)
