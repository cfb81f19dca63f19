"""ConvMixer (Trockman and Kolter 2022): patches, then the same block over and over."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.mixer import conv_mixer as block
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)


def conv_mixer(keras: Any, x: Any, *, width: int, depth: int, kernel: int, patch: int, classes: int) -> Any:
    """Return class probabilities."""
    nn = keras.layers
    x = nn.BatchNormalization()(nn.Conv2D(width, patch, strides=patch, activation="gelu")(x))
    for _ in range(depth):
        x = block(keras, x, width, kernel)
    return nn.Dense(classes, activation="softmax")(nn.GlobalAveragePooling2D()(x))


CASES = (
    _family.graph(
        "conv_mixer-small",
        image(20, 28, 3),
        lambda keras, x: conv_mixer(keras, x, width=8, depth=3, kernel=5, patch=2, classes=6),
        covers=(),
    ),
    _family.graph(
        "conv_mixer",
        image(192, 256, 3),
        lambda keras, x: conv_mixer(keras, x, width=512, depth=16, kernel=9, patch=8, classes=1000),
        covers=(),
    ),
)
