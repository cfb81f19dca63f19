"""DeepLabV3+ (Chen et al. 2018): a dilated pyramid over coarse features, refined by fine ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.blocks.pyramid_pooling import aspp
from model_zoo.blocks.residual import bottleneck
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)
Backbone = Callable[[Any, Any], tuple[Any, Any]]
"""`keras` and the image -> features at a quarter and at a sixteenth of its size."""


def deep_lab(
    keras: Any, x: Any, backbone: Backbone, classes: int, *, filters: int, rates: Sequence[int] = (6, 12, 18)
) -> Any:
    """Return class scores for each pixel."""
    nn = keras.layers
    fine, coarse = backbone(keras, x)
    coarse = aspp(keras, coarse, filters, tuple(rates))
    fine = conv_unit(keras, fine, max(filters // 5, 3), 1)
    y = nn.Concatenate()([nn.UpSampling2D(4, interpolation="bilinear")(coarse), fine])
    y = conv_unit(keras, conv_unit(keras, y, filters), filters)
    return nn.Conv2D(classes, 1)(nn.UpSampling2D(4, interpolation="bilinear")(y))


def _resnet50(keras: Any, x: Any) -> tuple[Any, Any]:
    network = keras.applications.ResNet50(weights=None, include_top=False, input_tensor=x)
    return network.get_layer("conv2_block3_2_relu").output, network.get_layer("conv4_block6_2_relu").output


def _bottlenecks(keras: Any, x: Any) -> tuple[Any, Any]:
    fine = bottleneck(keras, conv_unit(keras, x, 6, strides=2), 3)
    return fine, bottleneck(keras, bottleneck(keras, fine, 4), 5)


CASES = (
    _family.graph(
        "deep_lab-small",
        image(64, 96, 3),
        lambda keras, x: deep_lab(keras, x, _bottlenecks, 4, filters=8, rates=(1, 2)),
        covers=(),
    ),
    _family.graph(
        "deep_lab", image(384, 512, 3), lambda keras, x: deep_lab(keras, x, _resnet50, 21, filters=256), covers=()
    ),
)
