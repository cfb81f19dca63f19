"""Networks with several inputs and several named outputs."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Tier, image, several, tensor

_family = Family(__name__, "blocks", tier=Tier.FULL)


def image_and_numbers(keras: Any, picture: Any, numbers: Any) -> dict[str, Any]:
    """Return two answers by name from an image and a row of numbers: a class and a box."""
    nn = keras.layers
    seen = nn.GlobalAveragePooling2D()(conv_unit(keras, picture, 8, strides=2))
    known = nn.Dense(6, activation="relu")(numbers)
    both = nn.Concatenate()([seen, known])
    return {
        "kind": nn.Dense(4, activation="softmax", name="kind")(both),
        "box": nn.Dense(4, activation="sigmoid", name="box")(nn.Dense(8, activation="relu")(both)),
    }


def film(keras: Any, picture: Any, numbers: Any, filters: int = 8) -> Any:
    """Return features that a second input scales and shifts (Perez et al. 2017)."""
    nn = keras.layers
    features = conv_unit(keras, picture, filters)
    gamma, beta = (nn.Reshape((1, 1, filters))(nn.Dense(filters)(numbers)) for _ in range(2))
    return nn.ReLU()(features * (1 + gamma) + beta)


_BOTH = several(image(9, 14, 3), tensor(5, name="numbers"))
CASES = (_family.graph("image_and_numbers", _BOTH, image_and_numbers), _family.graph("film", _BOTH, film))
