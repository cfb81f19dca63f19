"""Swin transformer (Liu et al. 2021): attention in shifted windows, patches merged between the stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_zoo.blocks.swin import patch_merging, swin_block
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)


def swin(
    keras: Any,
    x: Any,
    size: tuple[int, int],
    *,
    width: int,
    depths: Sequence[int],
    heads: Sequence[int],
    window: int,
    classes: int,
) -> Any:
    """Return class logits; `size` is the image's, and at every stage a multiple of the window."""
    nn = keras.layers
    x = nn.LayerNormalization(epsilon=1e-5)(nn.Conv2D(width, 4, strides=4)(x))
    size = (size[0] // 4, size[1] // 4)
    for stage, depth in enumerate(depths):
        if stage:
            width, size = 2 * width, (size[0] // 2, size[1] // 2)
            x = patch_merging(keras, x, width)
        for index in range(depth):
            shift = index % 2 * (window // 2) if min(size) > window else 0
            x = swin_block(keras, x, size, width=width, heads=heads[stage], window=window, shift=shift)
    x = nn.GlobalAveragePooling2D()(nn.LayerNormalization(epsilon=1e-5)(x))
    return nn.Dense(classes)(x)


CASES = (
    _family.graph(
        "swin-small",
        image(32, 64, 3),
        lambda keras, x: swin(keras, x, (32, 64), width=8, depths=(2, 1), heads=(2, 4), window=4, classes=5),
        tier=Tier.CORE,
        covers=(),
    ),
    _family.graph(
        "swin",
        image(224, 448, 3),
        lambda keras, x: swin(
            keras, x, (224, 448), width=96, depths=(2, 2, 6, 2), heads=(3, 6, 12, 24), window=7, classes=1000
        ),
        covers=(),
    ),
)
