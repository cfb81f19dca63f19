"""ViT (Dosovitskiy et al. 2020): patches, a class token, encoder blocks."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.vision_transformer import patch_embedding, vit_block
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)


def vit(keras: Any, x: Any, *, patch: int, width: int, depth: int, heads: int, classes: int) -> Any:
    """Return the logits of the class token."""
    nn = keras.layers
    x = patch_embedding(keras, x, patch, width)
    for _ in range(depth):
        x = vit_block(keras, x, width, heads, 4 * width)
    return nn.Dense(classes)(nn.LayerNormalization(epsilon=1e-6)(x)[:, 0])


CASES = (
    _family.graph(
        "vit-small",
        image(16, 24, 3),
        lambda keras, x: vit(keras, x, patch=4, width=12, depth=2, heads=3, classes=5),
        tier=Tier.CORE,
        covers=(),
    ),
    _family.graph(
        "vit",
        image(192, 256, 3),
        lambda keras, x: vit(keras, x, patch=16, width=384, depth=12, heads=6, classes=1000),
        covers=(),
    ),
)
