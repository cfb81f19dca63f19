"""SegNet (Badrinarayanan et al. 2015): a VGG encoder and its mirror image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)
_VGG = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def seg_net(keras: Any, x: Any, stages: Sequence[tuple[int, int]], classes: int) -> Any:
    """Return class probabilities for each pixel; `stages` are (filters, convolutions).

    Keras has no unpooling by remembered places: as its users do, the decoder repeats each value instead.
    """
    nn = keras.layers
    for filters, count in stages:
        for _ in range(count):
            x = conv_unit(keras, x, filters)
        x = nn.MaxPooling2D()(x)
    for filters, count in reversed(stages):
        x = nn.UpSampling2D()(x)
        for _ in range(count):
            x = conv_unit(keras, x, filters)
    return nn.Softmax()(nn.Conv2D(classes, 1)(x))


CASES = (
    _family.graph(
        "seg_net-small", image(24, 32, 3), lambda keras, x: seg_net(keras, x, ((6, 1), (8, 2), (10, 1)), 4), covers=()
    ),
    _family.graph("seg_net", image(352, 480, 3), lambda keras, x: seg_net(keras, x, _VGG, 12), covers=()),
)
