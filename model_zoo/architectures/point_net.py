"""PointNet (Qi et al. 2016): classifies a set of points after turning it by a transform of its own making."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_zoo.declare import Family, Tier, tensor

_family = Family(__name__, "architectures", tier=Tier.FULL)


def point_net(keras: Any, x: Any, widths: Sequence[int], features: int, classes: int) -> Any:
    """Return class probabilities of points by 3 coordinates; `features` is the size of the second transform."""
    nn = keras.layers
    x = nn.Dot(axes=(2, 1))([x, _transform(keras, x, 3, widths)])
    x = _each_point(keras, x, (features,))
    x = nn.Dot(axes=(2, 1))([x, _transform(keras, x, features, widths)])
    x = nn.GlobalMaxPooling1D()(_each_point(keras, x, widths))
    x = nn.ReLU()(nn.BatchNormalization()(nn.Dense(widths[-1] // 2)(x)))
    return nn.Dense(classes, activation="softmax")(nn.Dropout(0.3)(x))


def _transform(keras: Any, x: Any, size: int, widths: Sequence[int]) -> Any:
    nn = keras.layers
    x = nn.GlobalMaxPooling1D()(_each_point(keras, x, widths))
    x = nn.ReLU()(nn.BatchNormalization()(nn.Dense(widths[-1] // 2)(x)))
    return nn.Reshape((size, size))(nn.Dense(size * size)(x))


def _each_point(keras: Any, x: Any, widths: Sequence[int]) -> Any:
    nn = keras.layers
    for width in widths:
        x = nn.ReLU()(nn.BatchNormalization(momentum=0.0)(nn.Conv1D(width, 1)(x)))
    return x


CASES = (
    _family.graph(
        "point_net-small",
        tensor(20, 3, name="points"),
        lambda keras, x: point_net(keras, x, (6, 8, 12), 5, 4),
        covers=(),
    ),
    _family.graph(
        "point_net",
        tensor(2048, 3, name="points"),
        lambda keras, x: point_net(keras, x, (64, 128, 1024), 64, 40),
        covers=(),
    ),
)
