"""Mixers: places and channels are mixed in turn, without attention."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "blocks", tier=Tier.FULL)


def mlp_mixer(keras: Any, x: Any, places: int = 9, channels: int = 6, hidden: int = 14) -> Any:
    """Return MLP-Mixer's block (Tolstikhin et al. 2021): an MLP along the places, one along the channels."""
    nn = keras.layers
    y = nn.Permute((2, 1))(nn.LayerNormalization(epsilon=1e-6)(x))
    y = nn.Dense(places)(nn.Dense(hidden, activation="gelu")(y))
    x = nn.Add()([x, nn.Permute((2, 1))(y)])
    y = nn.Dense(hidden, activation="gelu")(nn.LayerNormalization(epsilon=1e-6)(x))
    return nn.Add()([x, nn.Dense(channels)(y)])


def conv_mixer(keras: Any, x: Any, filters: int = 8, kernel: int = 5) -> Any:
    """Return ConvMixer's block (Trockman and Kolter 2022): a residual depthwise and a pointwise convolution."""
    nn = keras.layers
    y = nn.BatchNormalization()(nn.Activation("gelu")(nn.DepthwiseConv2D(kernel, padding="same")(x)))
    y = nn.Conv2D(filters, 1)(nn.Add()([x, y]))
    return nn.BatchNormalization()(nn.Activation("gelu")(y))


CASES = (_family.graph("mlp_mixer", tensor(9, 6), mlp_mixer), _family.graph("conv_mixer", image(9, 14, 8), conv_mixer))
