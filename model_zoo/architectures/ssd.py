"""A single-shot detector over MobileNet (Liu et al. 2015, Howard et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit, separable_unit
from model_zoo.blocks.detection_head import ssd_head
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)
_MOBILENET = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5)
_DEEPER = ((1024, 2), (1024, 1))


def ssd(
    keras: Any, x: Any, stages: Sequence[Sequence[tuple[int, int]]], extra: Sequence[int], classes: int
) -> list[Any]:
    """Return box offsets and class probabilities, all scales joined.

    Each of `stages` is a row of (filters, stride) that ends in a detected scale; each of `extra` halves the size again.
    """
    x = conv_unit(keras, x, stages[0][0][0] // 2, strides=2, activation="relu6")
    levels = []
    for stage in stages:
        for filters, strides in stage:
            x = separable_unit(keras, x, filters, strides=strides)
        levels.append(x)
    for filters in extra:
        x = conv_unit(keras, x, filters // 2, 1, activation="relu6")
        x = conv_unit(keras, x, filters, strides=2, activation="relu6")
        levels.append(x)
    return ssd_head(keras, levels, classes, (3, *(6 for _ in levels[1:])))


CASES = (
    _family.graph(
        "ssd-small",
        image(64, 96, 3),
        lambda keras, x: ssd(keras, x, (((8, 1), (12, 2), (16, 2)), ((20, 2),)), (12,), 4),
        tier=Tier.CORE,
        covers=(),
    ),
    _family.graph(
        "ssd",
        image(240, 320, 3),
        lambda keras, x: ssd(keras, x, (_MOBILENET, _DEEPER), (512, 256, 256, 128), 21),
        covers=(),
    ),
)
