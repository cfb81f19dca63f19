"""FaceNet (Schroff et al. 2015): inception modules, and an embedding of length 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.blocks.embedding_head import unit_embedding
from model_zoo.blocks.inception import inception, reduction
from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "architectures", tier=Tier.FULL)


def face_net(keras: Any, x: Any, widths: Sequence[int], repeats: int, code: int) -> Any:
    """Return the embedding of a face; each width is that of some inception modules and a reduction."""
    nn = keras.layers
    x = nn.MaxPooling2D(3, strides=2, padding="same")(conv_unit(keras, x, 2 * widths[0], strides=2))
    for width in widths:
        for _ in range(repeats):
            x = inception(keras, x, width)
        x = reduction(keras, x, width)
    return unit_embedding(keras, x, code)


CASES = (
    _family.graph("face_net-small", image(64, 48, 3), lambda keras, x: face_net(keras, x, (4, 6), 1, 12), covers=()),
    _family.graph(
        "face_net", image(160, 128, 3), lambda keras, x: face_net(keras, x, (64, 96, 128), 3, 128), covers=()
    ),
)
