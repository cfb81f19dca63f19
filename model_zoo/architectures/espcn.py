"""ESPCN (Shi et al. 2016): super-resolution that computes at low resolution and shuffles at the end."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.space_to_depth import pixel_shuffle
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)


def espcn(keras: Any, x: Any, size: tuple[int, int], width: int, factor: int, channels: int) -> Any:
    """Return the image, `factor` times as high and wide as `size`."""
    nn = keras.layers
    for filters, kernel in ((width, 5), (width, 3), (width // 2, 3)):
        x = nn.Conv2D(filters, kernel, padding="same", activation="tanh")(x)
    x = nn.Conv2D(channels * factor**2, 3, padding="same")(x)
    return pixel_shuffle(keras, x, factor, *size, channels)


CASES = (
    _family.graph(
        "espcn-small", image(14, 20, 3), lambda keras, x: espcn(keras, x, (14, 20), 8, 2, 3), tier=Tier.CORE, covers=()
    ),
    _family.graph("espcn", image(180, 320, 1), lambda keras, x: espcn(keras, x, (180, 320), 64, 3, 1), covers=()),
)
