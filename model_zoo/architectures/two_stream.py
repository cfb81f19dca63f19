"""Networks of two inputs: streams that are fused, twins that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Inputs, Tier, image, several

_family = Family(__name__, "architectures", tier=Tier.FULL)


def two_stream(keras: Any, frame: Any, flow: Any, widths: Sequence[int], classes: int) -> Any:
    """Return class probabilities of an action (Simonyan and Zisserman 2014): appearance and motion, averaged."""
    nn = keras.layers
    scores = []
    for stream in (frame, flow):
        x = nn.GlobalAveragePooling2D()(_features(keras, stream, widths))
        scores.append(nn.Dense(classes, activation="softmax")(nn.Dropout(0.5)(x)))
    return nn.Average()(scores)


def twins(keras: Any, left: Any, right: Any, widths: Sequence[int], code: int) -> Any:
    """Return the distance between the embeddings of two images (Hadsell et al. 2006): one network for both."""
    nn, ops = keras.layers, keras.ops
    x = image_input = keras.Input(left.shape[1:])
    x = nn.Dense(code)(nn.Flatten()(_features(keras, x, widths)))
    network = keras.Model(image_input, x, name="twin")
    difference = network(left) - network(right)
    return ops.sqrt(ops.sum(ops.square(difference), axis=1, keepdims=True) + 1e-7)


def _features(keras: Any, x: Any, widths: Sequence[int]) -> Any:
    for width in widths:
        x = keras.layers.MaxPooling2D()(conv_unit(keras, x, width))
    return x


def _frame_and_flow(height: int, width: int) -> Inputs:
    return several(image(height, width, 3, name="frame"), image(height, width, 20, name="flow"))


def _pair(height: int, width: int) -> Inputs:
    return several(image(height, width, 1, name="left"), image(height, width, 1, name="right"))


CASES = (
    _family.graph(
        "two_stream-small",
        _frame_and_flow(24, 32),
        lambda keras, frame, flow: two_stream(keras, frame, flow, (6, 8), 5),
        covers=(),
    ),
    _family.graph(
        "two_stream",
        _frame_and_flow(192, 256),
        lambda keras, frame, flow: two_stream(keras, frame, flow, (64, 128, 256, 512), 101),
        covers=(),
    ),
    _family.graph(
        "siamese-small", _pair(20, 28), lambda keras, left, right: twins(keras, left, right, (6, 8), 10), covers=()
    ),
    _family.graph(
        "siamese",
        _pair(112, 160),
        lambda keras, left, right: twins(keras, left, right, (32, 64, 128, 256), 128),
        covers=(),
    ),
)
