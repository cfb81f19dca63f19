"""Decoders: from few coarse features back to an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)


def transposed_decoder(keras: Any, x: Any, widths: Sequence[int] = (8, 6), channels: int = 3) -> Any:
    """Return DCGAN's decoder (Radford et al. 2015): 4x4 transposed convolutions double the size, tanh at the end."""
    nn = keras.layers
    for width in widths:
        x = nn.Conv2DTranspose(width, 4, strides=2, padding="same", use_bias=False)(x)
        x = nn.ReLU()(nn.BatchNormalization()(x))
    return nn.Conv2DTranspose(channels, 4, strides=2, padding="same", activation="tanh")(x)


def resize_decoder(keras: Any, x: Any, widths: Sequence[int] = (8, 6), channels: int = 3) -> Any:
    """Return a decoder free of checkerboards (Odena et al. 2016): bilinear upsampling, then a convolution."""
    nn = keras.layers
    for width in widths:
        x = conv_unit(keras, nn.UpSampling2D(2, interpolation="bilinear")(x), width)
    return nn.Conv2D(channels, 3, padding="same", activation="sigmoid")(x)


CASES = (
    _family.graph("transposed_decoder", image(4, 6, 9), transposed_decoder),
    _family.graph("resize_decoder", image(5, 7, 9), resize_decoder),
)
