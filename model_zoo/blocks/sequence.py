"""Recurrent blocks: over the columns of an image, over frames, over a signal."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "blocks", tier=Tier.FULL)


def crnn(keras: Any, x: Any, columns: int = 12, features: int = 24, units: int = 5, classes: int = 7) -> Any:
    """Return CRNN's reader (Shi et al. 2015): feature columns, read both ways, a character distribution for each."""
    nn = keras.layers
    x = nn.Reshape((columns, features))(nn.Permute((2, 1, 3))(x))
    x = nn.Bidirectional(nn.LSTM(units, return_sequences=True))(x)
    return nn.Dense(classes, activation="softmax")(x)


def conv_lstm(keras: Any, x: Any, filters: int = 4) -> Any:
    """Return a next-frame predictor of convolutional LSTMs (Shi et al. 2015)."""
    nn = keras.layers
    x = nn.BatchNormalization()(nn.ConvLSTM2D(filters, 3, padding="same", return_sequences=True)(x))
    x = nn.ConvLSTM2D(filters, 3, padding="same")(x)
    return nn.Conv2D(2, 3, padding="same", activation="sigmoid")(x)


def sequence_autoencoder(keras: Any, x: Any, length: int = 7, channels: int = 5, units: int = 6) -> Any:
    """Return an LSTM autoencoder (Srivastava et al. 2015): one vector, repeated, becomes a sequence again."""
    nn = keras.layers
    code = nn.LSTM(units)(x)
    x = nn.LSTM(units, return_sequences=True)(nn.RepeatVector(length)(code))
    return nn.TimeDistributed(nn.Dense(channels))(x)


def frames_then_gru(keras: Any, x: Any, units: int = 6, classes: int = 3) -> Any:
    """Return a video classifier (Donahue et al. 2014): the same convolutions for every frame, a GRU over them."""
    nn = keras.layers
    x = nn.TimeDistributed(nn.Conv2D(4, 3, strides=2, padding="same", activation="relu"))(x)
    x = nn.TimeDistributed(nn.GlobalAveragePooling2D())(x)
    return nn.Dense(classes, activation="softmax")(nn.GRU(units)(x))


CASES = (
    _family.graph("crnn", image(4, 12, 6), crnn),
    _family.graph("conv_lstm", tensor(4, 7, 10, 3, name="frames"), conv_lstm),
    _family.graph("sequence_autoencoder", tensor(7, 5, name="signal"), sequence_autoencoder),
    _family.graph("frames_then_gru", tensor(4, 9, 14, 3, name="frames"), frames_then_gru),
)
