"""Encoders and decoders joined by skips, small enough to be a block."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, image

_family = Family(__name__, "blocks")


def twice(keras: Any, x: Any, filters: int) -> Any:
    """Return two 3x3 convolutions, each with ReLU."""
    for _ in range(2):
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return x


def u_net(keras: Any, x: Any) -> Any:
    """Return a two-level U-Net (Ronneberger et al. 2015): one decoder step by transposed convolution, one by resize."""
    nn = keras.layers
    fine = twice(keras, x, 6)
    middle = twice(keras, nn.MaxPooling2D()(fine), 10)
    coarse = twice(keras, nn.MaxPooling2D()(middle), 14)
    up = nn.Concatenate()([middle, nn.Conv2DTranspose(10, 2, strides=2)(coarse)])
    up = nn.Concatenate()([fine, nn.UpSampling2D(2)(twice(keras, up, 10))])
    return nn.Conv2D(2, 1, activation="sigmoid")(twice(keras, up, 6))


CASES = (_family.graph("u_net", image(20, 28, 3), u_net),)
