"""Convolutions over time that look at the past only."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, Tier, tensor

_family = Family(__name__, "blocks", tier=Tier.FULL)


def wavenet(keras: Any, x: Any, filters: int = 6, dilations: tuple[int, ...] = (1, 2, 4)) -> Any:
    """Return WaveNet's stack (van den Oord et al. 2016): gated dilated convolutions, the skips of which are summed."""
    nn = keras.layers
    x = nn.Conv1D(filters, 2, padding="causal")(x)
    skips = []
    for dilation in dilations:
        content = nn.Conv1D(filters, 2, padding="causal", dilation_rate=dilation, activation="tanh")(x)
        gate = nn.Conv1D(filters, 2, padding="causal", dilation_rate=dilation, activation="sigmoid")(x)
        gated = nn.Multiply()([content, gate])
        skips.append(nn.Conv1D(filters, 1)(gated))
        x = nn.Add()([x, nn.Conv1D(filters, 1)(gated)])
    return nn.ReLU()(nn.Add()(skips))


def temporal_block(keras: Any, x: Any, filters: int = 6, kernel: int = 3, dilation: int = 2) -> Any:
    """Return the block of a temporal convolutional network (Bai et al. 2018): two causal convolutions, residual."""
    nn = keras.layers
    y = x
    for _ in range(2):
        y = nn.Conv1D(filters, kernel, padding="causal", dilation_rate=dilation)(y)
        y = nn.SpatialDropout1D(0.1)(nn.ReLU()(nn.LayerNormalization()(y)))
    return nn.ReLU()(nn.Add()([nn.Conv1D(filters, 1)(x), y]))


def inception_time(keras: Any, x: Any, filters: int = 4, kernels: tuple[int, ...] = (3, 5, 9)) -> Any:
    """Return InceptionTime's module (Fawaz et al. 2019): several kernels over one signal, and a maximum."""
    nn = keras.layers
    narrow = nn.Conv1D(filters, 1, use_bias=False)(x)
    branches = [nn.Conv1D(filters, kernel, padding="same", use_bias=False)(narrow) for kernel in kernels]
    pooled = nn.MaxPooling1D(3, strides=1, padding="same")(x)
    branches.append(nn.Conv1D(filters, 1, use_bias=False)(pooled))
    return nn.ReLU()(nn.BatchNormalization()(nn.Concatenate()(branches)))


CASES = (
    _family.graph("wavenet", tensor(20, 5, name="signal"), wavenet),
    _family.graph("temporal_block", tensor(20, 5, name="signal"), temporal_block),
    _family.graph("inception_time", tensor(20, 5, name="signal"), inception_time),
)
