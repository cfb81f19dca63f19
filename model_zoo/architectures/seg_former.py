"""SegFormer (Xie et al. 2021): a hierarchy of transformers that attend to a shrunk image, and a decoder of MLPs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One size of the hierarchy; keys and values are `reduction` times smaller than queries, in each direction."""

    patch: int
    stride: int
    width: int
    depth: int
    heads: int
    reduction: int


def seg_former(keras: Any, x: Any, size: tuple[int, int], stages: Sequence[Stage], width: int, classes: int) -> Any:
    """Return class scores for each cell of the first stage; `size` is the image's."""
    nn = keras.layers
    levels, stride = [], 1
    for stage in stages:
        stride *= stage.stride
        x = _encode(keras, x, (size[0] // stride, size[1] // stride), stage)
        factor = stride // stages[0].stride
        level = nn.Dense(width)(x)
        levels.append(nn.UpSampling2D(factor, interpolation="bilinear")(level) if factor > 1 else level)
    y = conv_unit(keras, nn.Concatenate()(list(reversed(levels))), width, 1)
    return nn.Conv2D(classes, 1)(y)


def _encode(keras: Any, x: Any, size: tuple[int, int], stage: Stage) -> Any:
    nn = keras.layers
    x = nn.Conv2D(stage.width, stage.patch, strides=stage.stride, padding="same")(x)
    x = nn.LayerNormalization()(nn.Reshape((size[0] * size[1], stage.width))(x))
    for _ in range(stage.depth):
        x = nn.Add()([x, _attention(keras, nn.LayerNormalization()(x), size, stage)])
        x = nn.Add()([x, _mix(keras, nn.LayerNormalization()(x), size, stage.width)])
    return nn.Reshape((*size, stage.width))(nn.LayerNormalization()(x))


def _attention(keras: Any, x: Any, size: tuple[int, int], stage: Stage) -> Any:
    nn = keras.layers
    seen = x
    if stage.reduction > 1:
        seen = nn.Reshape((*size, stage.width))(x)
        seen = nn.Conv2D(stage.width, stage.reduction, strides=stage.reduction)(seen)
        seen = nn.LayerNormalization()(nn.Reshape((-1, stage.width))(seen))
    return nn.MultiHeadAttention(stage.heads, stage.width // stage.heads)(x, seen)


def _mix(keras: Any, x: Any, size: tuple[int, int], width: int) -> Any:
    nn = keras.layers
    y = nn.Reshape((*size, 4 * width))(nn.Dense(4 * width)(x))
    y = nn.Activation("gelu")(nn.DepthwiseConv2D(3, padding="same")(y))
    return nn.Dense(width)(nn.Reshape((size[0] * size[1], 4 * width))(y))


_SMALL = (
    Stage(patch=7, stride=4, width=6, depth=1, heads=1, reduction=2),
    Stage(patch=3, stride=2, width=10, depth=1, heads=2, reduction=1),
)
_B0 = (
    Stage(patch=7, stride=4, width=32, depth=2, heads=1, reduction=8),
    Stage(patch=3, stride=2, width=64, depth=2, heads=2, reduction=4),
    Stage(patch=3, stride=2, width=160, depth=2, heads=5, reduction=2),
    Stage(patch=3, stride=2, width=256, depth=2, heads=8, reduction=1),
)
CASES = (
    _family.graph(
        "seg_former-small", image(32, 48, 3), lambda keras, x: seg_former(keras, x, (32, 48), _SMALL, 8, 4), covers=()
    ),
    _family.graph(
        "seg_former", image(384, 512, 3), lambda keras, x: seg_former(keras, x, (384, 512), _B0, 256, 150), covers=()
    ),
)
