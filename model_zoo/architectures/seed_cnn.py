"""The small digit classifier that introductions to Keras and OpenCV share."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, image

_family = Family(__name__, "architectures")


def seed_cnn(keras: Any, x: Any) -> Any:
    nn = keras.layers
    x = nn.MaxPooling2D(2)(nn.Conv2D(32, 3, activation="relu")(x))
    return nn.Dense(10, activation="softmax")(nn.Flatten()(x))


CASES = (_family.graph("seed_cnn", image(28, 28, 1), seed_cnn),)
