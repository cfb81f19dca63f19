"""Networks around a code: an autoencoder, the decoder of a variational one, the generator of DCGAN."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from model_zoo.blocks.decoder import transposed_decoder
from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "architectures", tier=Tier.FULL)


def autoencoder(keras: Any, x: Any, widths: Sequence[int], code: int) -> Any:
    """Return the image as it comes back through a code (Hinton and Salakhutdinov 2006), in 0..1."""
    nn = keras.layers
    channels = x.shape[-1]
    for width in widths:
        x = nn.Conv2D(width, 3, strides=2, padding="same", activation="relu")(x)
    shape = x.shape[1:]
    x = nn.Dense(prod(shape), activation="relu")(nn.Dense(code, name="code")(nn.Flatten()(x)))
    x = nn.Reshape(shape)(x)
    for width in reversed(widths):
        x = nn.Conv2DTranspose(width, 3, strides=2, padding="same", activation="relu")(x)
    return nn.Conv2D(channels, 3, padding="same", activation="sigmoid")(x)


def vae_decoder(keras: Any, code: Any, size: tuple[int, int], widths: Sequence[int], channels: int) -> Any:
    """Return the image a code stands for (Kingma and Welling 2013), in 0..1; `size` is where it starts."""
    nn = keras.layers
    x = nn.Reshape((*size, widths[0]))(nn.Dense(prod(size) * widths[0], activation="relu")(code))
    for width in widths:
        x = nn.Conv2DTranspose(width, 3, strides=2, padding="same", activation="relu")(x)
    return nn.Conv2DTranspose(channels, 3, padding="same", activation="sigmoid")(x)


def dcgan_generator(keras: Any, noise: Any, size: tuple[int, int], widths: Sequence[int]) -> Any:
    """Return an image made of noise (Radford et al. 2015), in -1..1."""
    nn = keras.layers
    x = nn.Dense(prod(size) * widths[0], use_bias=False)(noise)
    x = nn.ReLU()(nn.BatchNormalization()(nn.Reshape((*size, widths[0]))(x)))
    return transposed_decoder(keras, x, widths[1:])


CASES = (
    _family.graph("autoencoder-small", image(16, 24, 3), lambda keras, x: autoencoder(keras, x, (6, 8), 10), covers=()),
    _family.graph(
        "autoencoder", image(96, 128, 3), lambda keras, x: autoencoder(keras, x, (32, 64, 128), 256), covers=()
    ),
    _family.graph(
        "vae_decoder-small",
        tensor(4, name="code"),
        lambda keras, x: vae_decoder(keras, x, (4, 6), (8, 6), 1),
        covers=(),
    ),
    _family.graph(
        "vae_decoder",
        tensor(128, name="code"),
        lambda keras, x: vae_decoder(keras, x, (6, 8), (256, 128, 64, 32), 3),
        covers=(),
    ),
    _family.graph(
        "dcgan_generator-small",
        tensor(12, name="noise"),
        lambda keras, x: dcgan_generator(keras, x, (3, 4), (10, 8, 6)),
        covers=(),
    ),
    _family.graph(
        "dcgan_generator",
        tensor(100, name="noise"),
        lambda keras, x: dcgan_generator(keras, x, (4, 4), (1024, 512, 256, 128)),
        covers=(),
    ),
)
