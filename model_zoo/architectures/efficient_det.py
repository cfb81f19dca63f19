"""EfficientDet (Tan et al. 2019): an EfficientNet, bidirectional pyramids, one head for all levels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.blocks.detection_head import anchor_head
from model_zoo.blocks.feature_pyramid import bifpn
from model_zoo.blocks.inverted_bottleneck import linear_bottleneck
from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "architectures", tier=Tier.FULL)
Backbone = Callable[[Any, Any], list[Any]]
"""`keras` and the image -> features of strides 8, 16 and 32."""


def efficient_det(
    keras: Any, x: Any, backbone: Backbone, *, filters: int, pyramids: int, classes: int, anchors: int = 9
) -> list[Any]:
    """Return boxes and scores of all anchors at strides 8 to 128."""
    nn = keras.layers
    levels = [conv_unit(keras, level, filters, 1, activation=None) for level in backbone(keras, x)]
    for _ in range(2):
        levels.append(nn.MaxPooling2D(3, strides=2, padding="same")(levels[-1]))
    for _ in range(pyramids):
        levels = bifpn(keras, levels, filters)
    return anchor_head(keras, levels, classes, anchors, filters)


def _efficientnet(keras: Any, x: Any) -> list[Any]:
    network = keras.applications.EfficientNetB0(weights=None, include_top=False, input_tensor=x)
    return [network.get_layer(name).output for name in ("block3b_add", "block5c_add", "block7a_project_bn")]


def _bottlenecks(keras: Any, x: Any) -> list[Any]:
    x = linear_bottleneck(keras, conv_unit(keras, x, 6, strides=2, activation="swish"), 6)
    levels = []
    for filters in (8, 10, 12):
        x = linear_bottleneck(keras, x, filters)
        levels.append(x)
    return levels


CASES = (
    _family.graph(
        "efficient_det-small",
        image(128, 256, 3),
        lambda keras, x: efficient_det(keras, x, _bottlenecks, filters=6, pyramids=1, classes=3, anchors=2),
        covers=(),
    ),
    _family.graph(
        "efficient_det",
        tensor(384, 512, 3, name="image", low=0, high=255),
        lambda keras, x: efficient_det(keras, x, _efficientnet, filters=64, pyramids=3, classes=90),
        covers=(),
    ),
)
