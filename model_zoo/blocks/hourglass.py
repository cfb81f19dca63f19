"""Hourglasses: down to few places and back, with a skip at every size."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)


def hourglass(keras: Any, x: Any, depth: int = 2, filters: int = 6) -> Any:
    """Return one hourglass (Newell et al. 2016); height and width are multiples of `2**depth`."""
    nn = keras.layers
    skip = _narrow(keras, x, filters)
    x = _narrow(keras, nn.MaxPooling2D(2)(x), filters)
    x = hourglass(keras, x, depth - 1, filters) if depth > 1 else _narrow(keras, x, filters)
    return nn.Add()([skip, nn.UpSampling2D(2)(_narrow(keras, x, filters))])


def _narrow(keras: Any, x: Any, filters: int) -> Any:
    nn = keras.layers
    y = x
    for width, kernel in ((filters // 2, 1), (filters // 2, 3), (filters, 1)):
        y = nn.ReLU()(nn.BatchNormalization()(y))
        y = nn.Conv2D(width, kernel, padding="same")(y)
    return nn.Add()([x, y])


CASES = (_family.graph("hourglass", image(12, 16, 6), hourglass),)
