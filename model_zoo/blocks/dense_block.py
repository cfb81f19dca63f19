"""Blocks that concatenate what they compute to what they were given."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)


def dense_block(keras: Any, x: Any, layers: int = 3, growth: int = 4) -> Any:
    """Return DenseNet's block (Huang et al. 2016): every layer sees the outputs of all before it."""
    nn = keras.layers
    for _ in range(layers):
        y = nn.ReLU()(nn.BatchNormalization()(x))
        y = nn.ReLU()(nn.BatchNormalization()(nn.Conv2D(4 * growth, 1, use_bias=False)(y)))
        x = nn.Concatenate()([x, nn.Conv2D(growth, 3, padding="same", use_bias=False)(y)])
    return x


def transition(keras: Any, x: Any, filters: int = 9) -> Any:
    """Return what follows a dense block: fewer channels, half the size by averaging."""
    nn = keras.layers
    x = nn.ReLU()(nn.BatchNormalization()(x))
    return nn.AveragePooling2D(2)(nn.Conv2D(filters, 1, use_bias=False)(x))


def csp(keras: Any, x: Any, filters: int = 8, repeats: int = 2) -> Any:
    """Return YOLOv5's cross-stage partial block (Wang et al. 2019): half the channels pass the bottlenecks by."""
    nn = keras.layers
    half = filters // 2
    path = conv_unit(keras, x, half, 1, activation="swish")
    for _ in range(repeats):
        path = nn.Add()([path, _bottleneck(keras, path, half)])
    beside = conv_unit(keras, x, half, 1, activation="swish")
    return conv_unit(keras, nn.Concatenate()([path, beside]), filters, 1, activation="swish")


def c2f(keras: Any, x: Any, filters: int = 8, repeats: int = 2) -> Any:
    """Return YOLOv8's faster form of it (Jocher et al. 2023): one convolution, split, every step concatenated."""
    half = filters // 2
    both = conv_unit(keras, x, filters, 1, activation="swish")
    parts = [both[..., :half], both[..., half:]]
    for _ in range(repeats):
        parts.append(parts[-1] + _bottleneck(keras, parts[-1], half))
    return conv_unit(keras, keras.layers.Concatenate()(parts), filters, 1, activation="swish")


def _bottleneck(keras: Any, x: Any, filters: int) -> Any:
    return conv_unit(keras, conv_unit(keras, x, filters, 1, activation="swish"), filters, 3, activation="swish")


CASES = (
    _family.graph("dense_block", image(9, 14, 6), dense_block),
    _family.graph("transition", image(10, 14, 12), transition),
    _family.graph("csp", image(9, 14, 6), csp),
    _family.graph("c2f", image(9, 14, 6), c2f),
)
