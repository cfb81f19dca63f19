"""A detector like YOLOv5 (Jocher et al. 2020): focus, cross-stage blocks, path aggregation, decoded boxes."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.blocks.dense_block import csp
from model_zoo.blocks.detection_head import yolo_head
from model_zoo.blocks.feature_pyramid import pan
from model_zoo.blocks.pyramid_pooling import sppf
from model_zoo.blocks.space_to_depth import focus
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)
_ANCHORS = (((10, 13), (16, 30), (33, 23)), ((30, 61), (62, 45), (59, 119)), ((116, 90), (156, 198), (373, 326)))


def yolo(keras: Any, x: Any, size: tuple[int, int], width: int, repeats: int, classes: int) -> Any:
    """Return rows of centre, size, objectness and class scores, for every anchor at strides 8, 16 and 32.

    `size` is the image's, multiples of 32; `width` the filters of the first convolution.
    """
    widths = (4 * width, 8 * width, 16 * width)
    x = csp(keras, conv_unit(keras, focus(keras, x, width), 2 * width, strides=2, activation="swish"), 2 * width)
    levels = []
    for filters in widths:
        x = csp(keras, conv_unit(keras, x, filters, strides=2, activation="swish"), filters, repeats)
        levels.append(x)
    levels[-1] = sppf(keras, levels[-1], 8 * width)
    boxes = [
        yolo_head(keras, level, (size[0] // stride, size[1] // stride), stride, anchors, classes)
        for level, stride, anchors in zip(pan(keras, levels, widths, repeats), (8, 16, 32), _ANCHORS, strict=True)
    ]
    return keras.layers.Concatenate(axis=1)(boxes)


CASES = (
    _family.graph(
        "yolo-small",
        image(64, 96, 3),
        lambda keras, x: yolo(keras, x, (64, 96), width=4, repeats=1, classes=3),
        covers=(),
    ),
    _family.graph(
        "yolo",
        image(480, 640, 3),
        lambda keras, x: yolo(keras, x, (480, 640), width=32, repeats=1, classes=80),
        covers=(),
    ),
)
