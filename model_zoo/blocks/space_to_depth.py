"""Trading size for channels and back, without any arithmetic."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)


def focus(keras: Any, x: Any, filters: int = 8) -> Any:
    """Return YOLOv5's focus (Jocher et al. 2020): four interleaved slices become channels, then a convolution."""
    slices = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
    return conv_unit(keras, keras.layers.Concatenate()(slices), filters, 3, activation="swish")


def pixel_shuffle(keras: Any, x: Any, factor: int, height: int, width: int, channels: int) -> Any:
    """Return sub-pixel upsampling (Shi et al. 2016) of an image with `channels * factor**2` channels."""
    ops = keras.ops
    x = ops.reshape(x, (-1, height, width, factor, factor, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, factor * height, factor * width, channels))


def pixel_unshuffle(keras: Any, x: Any, factor: int, height: int, width: int, channels: int) -> Any:
    """Return the inverse, with Keras layers: `height` and `width` are the smaller ones."""
    nn = keras.layers
    x = nn.Reshape((height, factor, width, factor, channels))(x)
    return nn.Reshape((height, width, factor * factor * channels))(nn.Permute((1, 3, 2, 4, 5))(x))


def _sub_pixel(keras: Any, x: Any) -> Any:
    return pixel_shuffle(keras, keras.layers.Conv2D(12, 3, padding="same")(x), 2, 7, 10, 3)


def _unshuffled(keras: Any, x: Any) -> Any:
    return keras.layers.Conv2D(5, 3, padding="same")(pixel_unshuffle(keras, x, 2, 6, 9, 3))


CASES = (
    _family.graph("focus", image(12, 18, 3), focus),
    _family.graph("pixel_shuffle", image(7, 10, 5), _sub_pixel),
    _family.graph("pixel_unshuffle", image(12, 18, 3), _unshuffled),
)
