"""The units most networks repeat: convolution, normalisation, activation."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)


def conv_unit(
    keras: Any,
    x: Any,
    filters: int = 10,
    kernel: int | tuple[int, int] = 3,
    *,
    strides: int | tuple[int, int] = 1,
    dilation: int = 1,
    activation: str | None = "relu",
) -> Any:
    """Return convolution, batch normalisation (Ioffe and Szegedy 2015), activation; None leaves the last out."""
    nn = keras.layers
    x = nn.Conv2D(filters, kernel, strides=strides, dilation_rate=dilation, padding="same", use_bias=False)(x)
    x = nn.BatchNormalization()(x)
    return x if activation is None else nn.Activation(activation)(x)


def separable_unit(keras: Any, x: Any, filters: int = 10, *, strides: int = 1, activation: str = "relu6") -> Any:
    """Return MobileNet's unit (Howard et al. 2017): a depthwise and a pointwise convolution, each normalised."""
    nn = keras.layers
    x = nn.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
    x = nn.Activation(activation)(nn.BatchNormalization()(x))
    return conv_unit(keras, x, filters, 1, activation=activation)


def padded_unit(keras: Any, x: Any, filters: int = 10) -> Any:
    """Return a strided convolution the way PyTorch's users port it: explicit zero padding, LeakyReLU."""
    nn = keras.layers
    x = nn.Conv2D(filters, 3, strides=2, use_bias=False)(nn.ZeroPadding2D(1)(x))
    return nn.LeakyReLU(negative_slope=0.1)(nn.BatchNormalization(epsilon=1e-5, momentum=0.9)(x))


CASES = (
    _family.graph("conv_unit", image(9, 14, 6), conv_unit),
    _family.graph("separable_unit", image(9, 14, 6), separable_unit),
    _family.graph("padded_unit", image(10, 15, 6), padded_unit),
)
