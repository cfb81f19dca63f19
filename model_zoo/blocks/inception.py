"""Blocks of parallel branches that are concatenated: several kernels see the same input."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)


def inception(keras: Any, x: Any, width: int = 4) -> Any:
    """Return GoogLeNet's module (Szegedy et al. 2014), normalised: 1x1, 3x3 and 5x5 convolutions and a pooling."""
    nn = keras.layers
    middle = conv_unit(keras, conv_unit(keras, x, width, 1), 2 * width, 3)
    wide = conv_unit(keras, conv_unit(keras, x, width // 2, 1), width, 5)
    pooled = conv_unit(keras, nn.MaxPooling2D(3, strides=1, padding="same")(x), width, 1)
    return nn.Concatenate()([conv_unit(keras, x, width, 1), middle, wide, pooled])


def factorised_inception(keras: Any, x: Any, width: int = 4) -> Any:
    """Return InceptionV3's module (Szegedy et al. 2015): 1x7 and 7x1 convolutions, and an average that is padded."""
    nn = keras.layers
    path = conv_unit(keras, x, width, 1)
    for kernel in ((1, 7), (7, 1)):
        path = conv_unit(keras, path, width, kernel)
    pooled = conv_unit(keras, nn.AveragePooling2D(3, strides=1, padding="same")(x), width, 1)
    return nn.Concatenate()([path, pooled])


def reduction(keras: Any, x: Any, width: int = 4) -> Any:
    """Return InceptionV3's reduction (Szegedy et al. 2015): convolution and pooling halve the size side by side."""
    nn = keras.layers
    path = nn.Conv2D(width, 3, strides=2, use_bias=False)(conv_unit(keras, x, width, 1))
    path = nn.ReLU()(nn.BatchNormalization()(path))
    return nn.Concatenate()([path, nn.MaxPooling2D(3, strides=2)(x)])


def fire(keras: Any, x: Any, squeezed: int = 4, expanded: int = 6) -> Any:
    """Return SqueezeNet's module (Iandola et al. 2016): squeeze, then expand by 1x1 and 3x3 convolutions."""
    nn = keras.layers
    x = nn.Conv2D(squeezed, 1, activation="relu")(x)
    beside = nn.Conv2D(expanded, 1, activation="relu")(x)
    return nn.Concatenate()([beside, nn.Conv2D(expanded, 3, padding="same", activation="relu")(x)])


def xception(keras: Any, x: Any, filters: int = 10) -> Any:
    """Return Xception's module (Chollet 2016): separable convolutions, pooling, a strided shortcut."""
    nn = keras.layers
    path = x
    for _ in range(2):
        path = nn.SeparableConv2D(filters, 3, padding="same", use_bias=False)(nn.ReLU()(path))
        path = nn.BatchNormalization()(path)
    path = nn.MaxPooling2D(3, strides=2, padding="same")(path)
    return nn.Add()([path, conv_unit(keras, x, filters, 1, strides=2, activation=None)])


CASES = (
    _family.graph("inception", image(9, 14, 6), inception),
    _family.graph("factorised_inception", image(9, 14, 6), factorised_inception),
    _family.graph("reduction", image(9, 15, 6), reduction),
    _family.graph("fire", image(9, 14, 6), fire),
    _family.graph("xception", image(9, 14, 6), xception),
)
