"""Keyword spotting on microcontrollers (Zhang et al. 2017): separable convolutions over a spectrogram."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit, separable_unit
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)


def keyword_spotting(keras: Any, x: Any, width: int, depth: int, words: int) -> Any:
    """Return word probabilities of frames by cepstral coefficients by 1."""
    nn = keras.layers
    x = conv_unit(keras, x, width, (10, 4), strides=(2, 2))
    for _ in range(depth):
        x = separable_unit(keras, x, width, activation="relu")
    x = nn.Flatten()(nn.AveragePooling2D((x.shape[1], x.shape[2]))(nn.Dropout(0.4)(x)))
    return nn.Dense(words, activation="softmax")(x)


CASES = (
    _family.graph(
        "keyword_spotting-small",
        image(25, 10, 1, name="spectrogram"),
        lambda keras, x: keyword_spotting(keras, x, 8, 2, 5),
        tier=Tier.CORE,
        covers=(),
    ),
    _family.graph(
        "keyword_spotting",
        image(49, 10, 1, name="spectrogram"),
        lambda keras, x: keyword_spotting(keras, x, 64, 4, 12),
        covers=(),
    ),
)
