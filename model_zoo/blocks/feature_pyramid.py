"""Feature pyramids: coarse and fine levels of a network inform each other. Levels are ordered from fine to coarse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_zoo.blocks.convolution_unit import conv_unit, separable_unit
from model_zoo.blocks.dense_block import csp
from model_zoo.declare import Family, Tier, image, several

_family = Family(__name__, "blocks", tier=Tier.FULL)
_LEVELS = several(image(16, 24, 5, name="fine"), image(8, 12, 7, name="middle"), image(4, 6, 9, name="coarse"))


def fpn(keras: Any, levels: Sequence[Any], filters: int = 6) -> list[Any]:
    """Return a feature pyramid (Lin et al. 2016): each level plus the upsampled coarser one, then smoothed."""
    nn = keras.layers
    merged = [nn.Conv2D(filters, 1)(levels[-1])]
    for level in reversed(levels[:-1]):
        merged.insert(0, nn.Add()([nn.Conv2D(filters, 1)(level), nn.UpSampling2D(2)(merged[0])]))
    return [nn.Conv2D(filters, 3, padding="same")(level) for level in merged]


def pan(keras: Any, levels: Sequence[Any], filters: Sequence[int] = (4, 6, 8), repeats: int = 1) -> list[Any]:
    """Return YOLOv5's path aggregation (Liu et al. 2018): down by upsampling, then up again by strided convolution."""
    nn = keras.layers
    passed, x = [], levels[-1]
    for level, width in zip(reversed(levels[:-1]), reversed(filters[:-1]), strict=True):
        passed.append(conv_unit(keras, x, width, 1, activation="swish"))
        x = csp(keras, nn.Concatenate()([nn.UpSampling2D(2)(passed[-1]), level]), width, repeats)
    outputs = [x]
    for beside, width in zip(reversed(passed), filters[1:], strict=True):
        x = conv_unit(keras, outputs[-1], width, 3, strides=2, activation="swish")
        outputs.append(csp(keras, nn.Concatenate()([x, beside]), width, repeats))
    return outputs


def bifpn(keras: Any, levels: Sequence[Any], filters: int = 6) -> list[Any]:
    """Return EfficientDet's bidirectional pyramid (Tan et al. 2019) over levels that have `filters` channels."""
    nn = keras.layers
    down = [levels[-1]]
    for level in reversed(levels[:-1]):
        down.insert(0, _fused(keras, [level, nn.UpSampling2D(2)(down[0])], filters))
    outputs = [down[0]]
    for index in range(1, len(levels)):
        finer = nn.MaxPooling2D(3, strides=2, padding="same")(outputs[-1])
        both = [levels[index], down[index], finer] if index < len(levels) - 1 else [levels[index], finer]
        outputs.append(_fused(keras, both, filters))
    return outputs


def _fused(keras: Any, inputs: Sequence[Any], filters: int) -> Any:
    mixed = keras.layers.Activation("swish")(_weighted_sum(keras)(inputs))
    return separable_unit(keras, mixed, filters, activation="swish")


def _weighted_sum(keras: Any) -> Any:
    class WeightedSum(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        """Fast normalised fusion: weights at least 0 that sum to 1."""

        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight(shape=(len(input_shape),), initializer="ones", name="scale")

        def call(self, inputs: Any) -> Any:
            weights = keras.ops.relu(self.scale)
            weights = weights / (keras.ops.sum(weights) + 1e-4)
            return sum(weights[index] * level for index, level in enumerate(inputs))

    return WeightedSum()


def _projected_bifpn(keras: Any, *levels: Any) -> list[Any]:
    return bifpn(keras, [conv_unit(keras, level, 6, 1, activation=None) for level in levels])


CASES = (
    _family.graph("fpn", _LEVELS, lambda keras, *levels: fpn(keras, levels)),
    _family.graph("pan", _LEVELS, lambda keras, *levels: pan(keras, levels)),
    _family.graph(
        "bifpn",
        _LEVELS,
        _projected_bifpn,
        covers=("DepthwiseConv2D", "Layer", "MaxPooling2D", "UpSampling2D", "ops.relu", "ops.sum"),
    ),
)
