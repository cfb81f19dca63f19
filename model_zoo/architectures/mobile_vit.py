"""MobileViT (Mehta and Rastegari 2021): MobileNetV2's blocks, and transformers at the coarse sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.blocks.inverted_bottleneck import linear_bottleneck
from model_zoo.blocks.mobile_vit import mobile_vit_block
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)


def mobile_vit(
    keras: Any, x: Any, size: tuple[int, int], stem: Sequence[int], stages: Sequence[tuple[int, int, int]], classes: int
) -> Any:
    """Return class probabilities.

    `stem` are the filters of the convolution and of the blocks before the first transformer, `stages` (filters, width,
    depth) of the transformers. Each of them halves the image's `size`, which leaves an even number at every stage.
    """
    nn = keras.layers
    x = conv_unit(keras, x, stem[0], strides=2, activation="swish")
    for filters in stem[1:]:
        x = linear_bottleneck(keras, x, filters, expanded=2 * x.shape[-1])
    stride = 2 ** len(stem)
    for filters, width, depth in stages:
        x = linear_bottleneck(keras, x, filters, expanded=2 * x.shape[-1])
        stride *= 2
        scaled = (size[0] // stride, size[1] // stride)
        x = mobile_vit_block(keras, x, scaled, filters=filters, width=width, depth=depth)
    x = nn.GlobalAveragePooling2D()(conv_unit(keras, x, 4 * stages[-1][0], 1, activation="swish"))
    return nn.Dense(classes, activation="softmax")(x)


CASES = (
    _family.graph(
        "mobile_vit-small",
        image(64, 96, 3),
        lambda keras, x: mobile_vit(keras, x, (64, 96), (6, 8), ((10, 12, 1), (12, 14, 1)), 5),
        covers=(),
    ),
    _family.graph(
        "mobile_vit",
        image(192, 256, 3),
        lambda keras, x: mobile_vit(keras, x, (192, 256), (16, 24), ((48, 64, 2), (64, 80, 4), (80, 96, 3)), 1000),
        covers=(),
    ),
)
