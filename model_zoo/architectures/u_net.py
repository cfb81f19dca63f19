"""U-Net (Ronneberger et al. 2015): segmentation with skips between encoder and decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_zoo.blocks.u_net import twice
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)


def u_net(keras: Any, x: Any, widths: Sequence[int], classes: int) -> Any:
    """Return class probabilities for each pixel; `widths` are the filters of each level, from fine to coarse."""
    nn = keras.layers
    skips = []
    for width in widths[:-1]:
        skips.append(twice(keras, x, width))
        x = nn.MaxPooling2D()(skips[-1])
    x = nn.Dropout(0.5)(twice(keras, x, widths[-1]))
    for width, skip in zip(reversed(widths[:-1]), reversed(skips), strict=True):
        x = nn.Conv2DTranspose(width, 2, strides=2)(x)
        x = twice(keras, nn.Concatenate()([skip, x]), width)
    return nn.Conv2D(classes, 1, activation="softmax")(x)


CASES = (
    _family.graph("u_net-small", image(32, 48, 3), lambda keras, x: u_net(keras, x, (6, 8, 12), 3), covers=()),
    _family.graph(
        "u_net", image(256, 384, 3), lambda keras, x: u_net(keras, x, (64, 128, 256, 512, 1024), 2), covers=()
    ),
)
