"""Inverted bottlenecks: expand, filter each channel, weigh the channels, project."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)
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


def linear_bottleneck(keras: Any, x: Any, filters: int = 9, *, strides: int = 2, expanded: int = _EXPANDED) -> Any:
    """Return MobileNetV2's block (Sandler et al. 2018); padded by hand where it halves the size, as Keras does it."""
    nn = keras.layers
    y = conv_unit(keras, x, expanded, 1, activation="relu6")
    if strides == 1:
        y = nn.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    else:
        y = nn.DepthwiseConv2D(3, strides=strides, use_bias=False)(nn.ZeroPadding2D(((0, 1), (0, 1)))(y))
    y = nn.Activation("relu6")(nn.BatchNormalization()(y))
    y = conv_unit(keras, y, filters, 1, activation=None)
    return nn.Add()([x, y]) if strides == 1 and x.shape[-1] == filters else y


def fused_bottleneck(keras: Any, x: Any, filters: int = _CHANNELS) -> Any:
    """Return EfficientNetV2's block (Tan and Le 2021): expansion and filter are one convolution."""
    y = conv_unit(keras, x, 4 * filters, 3, activation="swish")
    return keras.layers.Add()([x, conv_unit(keras, y, filters, 1, activation=None)])


def hard_swish_bottleneck(keras: Any, x: Any) -> Any:
    """Return MobileNetV3's block (Howard et al. 2019): hard swish, and a hard sigmoid weighs the channels."""
    nn = keras.layers
    y = nn.Activation("hard_swish")(conv_unit(keras, x, _EXPANDED, 1, activation=None))
    y = nn.BatchNormalization()(nn.DepthwiseConv2D(5, padding="same", use_bias=False)(y))
    gate = nn.Conv2D(5, 1, activation="relu")(nn.GlobalAveragePooling2D(keepdims=True)(y))
    gate = nn.Conv2D(_EXPANDED, 1, activation="hard_sigmoid")(gate)
    y = nn.Multiply()([nn.Activation("hard_swish")(y), gate])
    return nn.Add()([x, conv_unit(keras, y, _CHANNELS, 1, activation=None)])


CASES = (
    _family.graph("inverted_bottleneck", image(9, 14, _CHANNELS), inverted_bottleneck, tier=Tier.CORE),
    _family.graph("linear_bottleneck", image(10, 14, _CHANNELS), linear_bottleneck),
    _family.graph("fused_bottleneck", image(9, 14, _CHANNELS), fused_bottleneck),
    _family.graph("hard_swish_bottleneck", image(9, 14, _CHANNELS), hard_swish_bottleneck),
)
