"""Blocks that save arithmetic by treating groups of channels apart."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit, separable_unit
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)


def ghost(keras: Any, x: Any, filters: int = 10) -> Any:
    """Return GhostNet's module (Han et al. 2019): half of the channels are cheap depthwise copies of the others."""
    nn = keras.layers
    primary = conv_unit(keras, x, filters // 2, 1)
    copies = nn.DepthwiseConv2D(3, padding="same", use_bias=False)(primary)
    return nn.Concatenate()([primary, nn.ReLU()(nn.BatchNormalization()(copies))])


def shuffle_unit(keras: Any, x: Any, filters: int = 12) -> Any:
    """Return ShuffleNetV2's unit (Ma et al. 2018): one half of the channels is filtered, then both are shuffled."""
    half = filters // 2
    path = conv_unit(keras, x[..., half:], half, 1)
    path = separable_unit(keras, path, half, activation="relu")
    joined = keras.layers.Concatenate()([x[..., :half], path])
    return channel_shuffle(keras, joined, x.shape[1], x.shape[2], filters)


def channel_shuffle(keras: Any, x: Any, height: int, width: int, channels: int, groups: int = 2) -> Any:
    """Interleave groups of channels (Zhang et al. 2017)."""
    nn = keras.layers
    x = nn.Reshape((height, width, groups, channels // groups))(x)
    return nn.Reshape((height, width, channels))(nn.Permute((1, 2, 4, 3))(x))


def group_normalised(keras: Any, x: Any, filters: int = 12) -> Any:
    """Return a convolution with weight-free skips and group normalisation (Wu and He 2018), as diffusion models do."""
    nn = keras.layers
    y = nn.Conv2D(filters, 3, padding="same")(nn.Activation("swish")(nn.GroupNormalization(4)(x)))
    return nn.Add()([x, y])


CASES = (
    _family.graph("ghost", image(9, 14, 6), ghost),
    _family.graph("shuffle_unit", image(9, 14, 12), shuffle_unit),
    _family.graph("group_normalised", image(9, 14, 12), group_normalised),
)
