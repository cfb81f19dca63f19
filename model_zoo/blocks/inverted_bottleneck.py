"""Inverted bottlenecks: expand, filter each channel, weigh the channels, project."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, image

_family = Family(__name__, "blocks")
_CHANNELS = 6
_EXPANDED = 4 * _CHANNELS


def squeeze_excite(keras: Any, x: Any, channels: int, squeezed: int) -> Any:
    """Weigh each channel by a gate made from its own mean (Hu et al. 2017)."""
    nn = keras.layers
    gate = nn.Reshape((1, 1, channels))(nn.GlobalAveragePooling2D()(x))
    gate = nn.Conv2D(squeezed, 1, activation="swish")(gate)
    gate = nn.Conv2D(channels, 1, activation="sigmoid")(gate)
    return nn.Multiply()([x, gate])


def inverted_bottleneck(keras: Any, x: Any) -> Any:
    """Return EfficientNet's block (Tan and Le 2019) with its residual sum."""
    nn = keras.layers
    y = nn.Activation("swish")(nn.BatchNormalization()(nn.Conv2D(_EXPANDED, 1, use_bias=False)(x)))
    y = nn.BatchNormalization()(nn.DepthwiseConv2D(3, padding="same", use_bias=False)(y))
    y = squeeze_excite(keras, nn.Activation("swish")(y), _EXPANDED, 5)
    return nn.Add()([x, nn.BatchNormalization()(nn.Conv2D(_CHANNELS, 1, use_bias=False)(y))])


CASES = (_family.graph("inverted_bottleneck", image(9, 14, _CHANNELS), inverted_bottleneck),)
