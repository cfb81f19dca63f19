"""Gates that weigh channels or places by what the whole feature map says about them."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)
_CHANNELS = 12


def squeeze_excite(keras: Any, x: Any, channels: int = _CHANNELS, ratio: int = 4) -> Any:
    """Return the squeeze-and-excitation block of dense layers, as first published (Hu et al. 2017)."""
    nn = keras.layers
    gate = nn.Dense(channels // ratio, activation="relu", use_bias=False)(nn.GlobalAveragePooling2D()(x))
    gate = nn.Dense(channels, activation="sigmoid", use_bias=False)(gate)
    return nn.Multiply()([x, nn.Reshape((1, 1, channels))(gate)])


def efficient_channel_attention(keras: Any, x: Any, channels: int = _CHANNELS, kernel: int = 3) -> Any:
    """Return ECA (Wang et al. 2019): a one-dimensional convolution along the channels' means makes the gate."""
    nn = keras.layers
    means = nn.Reshape((channels, 1))(nn.GlobalAveragePooling2D()(x))
    gate = nn.Conv1D(1, kernel, padding="same", activation="sigmoid", use_bias=False)(means)
    return nn.Multiply()([x, nn.Reshape((1, 1, channels))(gate)])


def cbam(keras: Any, x: Any, channels: int = _CHANNELS, ratio: int = 4) -> Any:
    """Return the convolutional block attention module (Woo et al. 2018): first the channels, then the places."""
    nn = keras.layers
    return _spatial_gate(keras, nn.Multiply()([x, _channel_gate(keras, x, channels, ratio)]))


def _channel_gate(keras: Any, x: Any, channels: int, ratio: int) -> Any:
    nn = keras.layers
    squeeze, excite = nn.Dense(channels // ratio, activation="relu"), nn.Dense(channels)
    mean = excite(squeeze(nn.GlobalAveragePooling2D()(x)))
    largest = excite(squeeze(nn.GlobalMaxPooling2D()(x)))
    return nn.Reshape((1, 1, channels))(nn.Activation("sigmoid")(nn.Add()([mean, largest])))


def _spatial_gate(keras: Any, x: Any) -> Any:
    nn, ops = keras.layers, keras.ops
    both = nn.Concatenate()([ops.mean(x, axis=-1, keepdims=True), ops.max(x, axis=-1, keepdims=True)])
    return nn.Multiply()([x, nn.Conv2D(1, 7, padding="same", activation="sigmoid", use_bias=False)(both)])


def coordinate_attention(keras: Any, x: Any, height: int = 9, width: int = 14, channels: int = _CHANNELS) -> Any:
    """Return coordinate attention (Hou et al. 2021): rows and columns are averaged apart and gate each other."""
    nn, ops = keras.layers, keras.ops
    rows = ops.mean(x, axis=2, keepdims=True)
    columns = nn.Permute((2, 1, 3))(ops.mean(x, axis=1, keepdims=True))
    joined = nn.Conv2D(channels // 2, 1, use_bias=False)(nn.Concatenate(axis=1)([rows, columns]))
    joined = nn.Activation("hard_swish")(nn.BatchNormalization()(joined))
    row_gate = nn.Conv2D(channels, 1, activation="sigmoid")(joined[:, :height])
    column_gate = nn.Conv2D(channels, 1, activation="sigmoid")(joined[:, height : height + width])
    return nn.Multiply()([x, row_gate, nn.Permute((2, 1, 3))(column_gate)])


CASES = (
    _family.graph("squeeze_excite", image(9, 14, _CHANNELS), squeeze_excite),
    _family.graph("efficient_channel_attention", image(9, 14, _CHANNELS), efficient_channel_attention),
    _family.graph("cbam", image(9, 14, _CHANNELS), cbam),
    _family.graph("coordinate_attention", image(9, 14, _CHANNELS), coordinate_attention),
)
