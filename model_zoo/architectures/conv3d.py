"""C3D (Tran et al. 2014): three-dimensional convolutions over a clip, or over a scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_zoo.declare import Family, Tier, tensor

_family = Family(__name__, "architectures", tier=Tier.FULL)


def conv3d(keras: Any, x: Any, stages: Sequence[tuple[int, int]], hidden: int, classes: int) -> Any:
    """Return class probabilities; `stages` are (filters, convolutions), and the first pools places only."""
    nn = keras.layers
    for index, (filters, count) in enumerate(stages):
        for _ in range(count):
            x = nn.Conv3D(filters, 3, padding="same", activation="relu")(x)
        x = nn.BatchNormalization()(nn.MaxPooling3D((2, 2, 2) if index else (1, 2, 2))(x))
    x = nn.Dense(hidden, activation="relu")(nn.GlobalAveragePooling3D()(x))
    return nn.Dense(classes, activation="softmax")(nn.Dropout(0.3)(x))


CASES = (
    _family.graph(
        "conv3d-small",
        tensor(6, 16, 20, 3, name="clip"),
        lambda keras, x: conv3d(keras, x, ((6, 1), (8, 1)), 12, 4),
        covers=(),
    ),
    _family.graph(
        "conv3d",
        tensor(16, 96, 128, 3, name="clip"),
        lambda keras, x: conv3d(keras, x, ((64, 1), (128, 1), (256, 2), (512, 2)), 512, 101),
        covers=(),
    ),
)
