"""Stacked hourglasses (Newell et al. 2016): a heatmap for each joint, refined from stack to stack."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.blocks.hourglass import hourglass as block
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)


def hourglass(keras: Any, x: Any, *, filters: int, depth: int, stacks: int, joints: int) -> list[Any]:
    """Return the heatmaps of every stack, at a quarter of the image's size."""
    nn = keras.layers
    x = conv_unit(keras, x, filters // 2, 7, strides=2)
    x = conv_unit(keras, nn.MaxPooling2D()(x), filters)
    maps = []
    for stack in range(stacks):
        y = conv_unit(keras, block(keras, x, depth, filters), filters, 1)
        maps.append(nn.Conv2D(joints, 1)(y))
        if stack < stacks - 1:
            x = nn.Add()([x, nn.Conv2D(filters, 1)(y), nn.Conv2D(filters, 1)(maps[-1])])
    return maps


CASES = (
    _family.graph(
        "hourglass-small",
        image(32, 48, 3),
        lambda keras, x: hourglass(keras, x, filters=6, depth=2, stacks=2, joints=4),
        covers=(),
    ),
    _family.graph(
        "hourglass",
        image(192, 256, 3),
        lambda keras, x: hourglass(keras, x, filters=256, depth=4, stacks=2, joints=16),
        covers=(),
    ),
)
