"""CRNN (Shi et al. 2015): reads a line of text, one distribution over characters for each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_zoo.blocks.sequence import crnn as reader
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)


def crnn(keras: Any, x: Any, size: tuple[int, int], widths: Sequence[int], units: int, characters: int) -> Any:
    """Return (columns / 4, characters + 1): the last class is the blank of CTC.

    Every stage halves the height, the first two the width as well.
    """
    nn = keras.layers
    for index, width in enumerate(widths):
        x = nn.BatchNormalization()(nn.Conv2D(width, 3, padding="same", activation="relu")(x))
        x = nn.MaxPooling2D((2, 2) if index < 2 else (2, 1))(x)
    features = size[0] // 2 ** len(widths) * widths[-1]
    return reader(keras, x, size[1] // 4, features, units, characters + 1)


CASES = (
    _family.graph(
        "crnn-small",
        image(16, 48, 1),
        lambda keras, x: crnn(keras, x, (16, 48), (6, 8, 10), 8, 10),
        tier=Tier.CORE,
        covers=(),
    ),
    _family.graph(
        "crnn", image(32, 128, 1), lambda keras, x: crnn(keras, x, (32, 128), (64, 128, 256, 512), 256, 36), covers=()
    ),
)
