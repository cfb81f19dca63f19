"""MobileViT's block: convolutions see the neighbours, a transformer sees the rest."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.blocks.vision_transformer import vit_block
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)


def unfold(keras: Any, x: Any, size: tuple[int, int], patch: int, width: int) -> Any:
    """Gather each place within a patch from all patches: (batch * patch**2, patches, width)."""
    ops = keras.ops
    x = ops.reshape(x, (-1, size[0] // patch, patch, size[1] // patch, patch, width))
    x = ops.transpose(x, (0, 2, 4, 1, 3, 5))
    return ops.reshape(x, (-1, size[0] * size[1] // patch**2, width))


def fold(keras: Any, x: Any, size: tuple[int, int], patch: int, width: int) -> Any:
    """Return the image that was unfolded."""
    ops = keras.ops
    x = ops.reshape(x, (-1, patch, patch, size[0] // patch, size[1] // patch, width))
    return ops.reshape(ops.transpose(x, (0, 3, 1, 4, 2, 5)), (-1, *size, width))


def mobile_vit_block(
    keras: Any, x: Any, size: tuple[int, int], *, filters: int, width: int = 8, depth: int = 1, patch: int = 2
) -> Any:
    """Return the block (Mehta and Rastegari 2021) for an image of `size` and `filters` channels."""
    y = conv_unit(keras, conv_unit(keras, x, filters, 3, activation="swish"), width, 1, activation="swish")
    y = unfold(keras, y, size, patch, width)
    for _ in range(depth):
        y = vit_block(keras, y, width, heads=2, hidden=2 * width)
    y = fold(keras, keras.layers.LayerNormalization()(y), size, patch, width)
    y = conv_unit(keras, y, filters, 1, activation="swish")
    return conv_unit(keras, keras.layers.Concatenate()([x, y]), filters, 3, activation="swish")


CASES = (_family.graph("mobile_vit", image(8, 12, 6), lambda keras, x: mobile_vit_block(keras, x, (8, 12), filters=6)),)
