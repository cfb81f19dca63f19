"""Pooling at several ranges at once, so that each place knows its surroundings."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)


def aspp(keras: Any, x: Any, filters: int = 8, rates: tuple[int, ...] = (2, 3, 4)) -> Any:
    """Return DeepLab's atrous spatial pyramid (Chen et al. 2017): dilated convolutions, and the image's mean resized.

    The mean comes from an average pooling as large as the image and goes back by bilinear upsampling.
    """
    nn = keras.layers
    size = (x.shape[1], x.shape[2])
    mean = conv_unit(keras, nn.AveragePooling2D(size)(x), filters, 1)
    branches = [nn.UpSampling2D(size, interpolation="bilinear")(mean), conv_unit(keras, x, filters, 1)]
    branches += [conv_unit(keras, x, filters, 3, dilation=rate) for rate in rates]
    return conv_unit(keras, nn.Concatenate()(branches), filters, 1)


def aspp_resized(keras: Any, x: Any, filters: int = 8, size: tuple[int, int] = (9, 14)) -> Any:
    """Return the same with global pooling and `keras.ops.image.resize`, the other way people write it."""
    nn = keras.layers
    mean = conv_unit(keras, nn.GlobalAveragePooling2D(keepdims=True)(x), filters, 1)
    mean = keras.ops.image.resize(mean, size, interpolation="bilinear")
    near = conv_unit(keras, x, filters, 1)
    far = conv_unit(keras, x, filters, 3, dilation=3)
    return conv_unit(keras, nn.Concatenate()([mean, near, far]), filters, 1)


def spp(keras: Any, x: Any, filters: int = 6, sizes: tuple[int, ...] = (5, 9, 13)) -> Any:
    """Return YOLO's spatial pyramid pooling (He et al. 2014, Redmon and Farhadi 2018): maxima of growing reach."""
    nn = keras.layers
    x = conv_unit(keras, x, filters, 1, activation="swish")
    pooled = [nn.MaxPooling2D(size, strides=1, padding="same")(x) for size in sizes]
    return conv_unit(keras, nn.Concatenate()([x, *pooled]), 2 * filters, 1, activation="swish")


def sppf(keras: Any, x: Any, filters: int = 6) -> Any:
    """Return YOLOv5's faster form of it (Jocher et al. 2020): one small maximum after the other."""
    nn = keras.layers
    steps = [conv_unit(keras, x, filters, 1, activation="swish")]
    for _ in range(3):
        steps.append(nn.MaxPooling2D(5, strides=1, padding="same")(steps[-1]))
    return conv_unit(keras, nn.Concatenate()(steps), 2 * filters, 1, activation="swish")


def pyramid_scene(keras: Any, x: Any, filters: int = 3, bins: tuple[int, ...] = (1, 2, 3)) -> Any:
    """Return PSPNet's module (Zhao et al. 2016): means over ever smaller cells, each brought back to full size."""
    nn = keras.layers
    branches = [x]
    for count in bins:
        cell = (x.shape[1] // count, x.shape[2] // count)
        mean = conv_unit(keras, nn.AveragePooling2D(cell)(x), filters, 1)
        branches.append(nn.UpSampling2D(cell, interpolation="bilinear")(mean))
    return nn.Concatenate()(branches)


CASES = (
    _family.graph("aspp", image(9, 14, 6), aspp),
    _family.graph("aspp_resized", image(9, 14, 6), aspp_resized),
    _family.graph("spp", image(15, 20, 6), spp),
    _family.graph("sppf", image(15, 20, 6), sppf),
    _family.graph("pyramid_scene", image(12, 18, 6), pyramid_scene),
)
