"""Convolutions over one, two and three axes: kernels, strides, padding, dilation, groups, layouts, activations."""

from functools import partial
from typing import Any

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

_SEQUENCE = tensor(17, 5)
_IMAGE = image(9, 12, 5)
_VOLUME = tensor(5, 7, 9, 3)
_FUSED = "elu gelu relu6 sigmoid softmax swish"


def _activated(activation: str, nn: Any) -> Any:
    return nn.Conv2D(8, 3, activation=activation)


CASES = (
    _family.layer("conv1d/causal-dilated", _SEQUENCE, lambda nn: nn.Conv1D(8, 3, padding="causal", dilation_rate=2)),
    *_full.layers(
        "conv1d",
        _SEQUENCE,
        {
            "valid": lambda nn: nn.Conv1D(8, 3),
            "valid-stride2": lambda nn: nn.Conv1D(8, 3, strides=2),
            "same-stride2": lambda nn: nn.Conv1D(8, 3, strides=2, padding="same"),
            "same-dilated": lambda nn: nn.Conv1D(8, 3, dilation_rate=3, padding="same"),
            "causal": lambda nn: nn.Conv1D(8, 3, padding="causal"),
            "pointwise": lambda nn: nn.Conv1D(8, 1),
        },
    ),
    _full.layer("conv1d/groups", tensor(17, 6), lambda nn: nn.Conv1D(8, 3, groups=2)),
    _full.layer("conv1d/channels-first", tensor(5, 17), lambda nn: nn.Conv1D(8, 3, data_format="channels_first")),
    #
    _family.layer("conv2d/valid-relu", _IMAGE, lambda nn: nn.Conv2D(8, (3, 2), activation="relu")),
    _family.layer("conv2d/same-stride2", _IMAGE, lambda nn: nn.Conv2D(8, 3, strides=2, padding="same")),
    _family.layer("conv2d/groups", image(9, 12, 6), lambda nn: nn.Conv2D(8, 3, groups=2, padding="same")),
    *_full.layers(
        "conv2d",
        _IMAGE,
        {
            "valid": lambda nn: nn.Conv2D(8, 3),
            "valid-no-bias": lambda nn: nn.Conv2D(8, 3, use_bias=False),
            "valid-stride3": lambda nn: nn.Conv2D(8, 3, strides=3),
            "valid-dilated": lambda nn: nn.Conv2D(8, 3, dilation_rate=2),
            "same": lambda nn: nn.Conv2D(8, 3, padding="same"),
            "same-kernel1x7": lambda nn: nn.Conv2D(8, (1, 7), padding="same"),
            "same-even-kernel": lambda nn: nn.Conv2D(8, (2, 4), padding="same"),
            "same-even-kernel-stride2": lambda nn: nn.Conv2D(8, 4, strides=2, padding="same"),
            "same-stride2x3": lambda nn: nn.Conv2D(8, 3, strides=(2, 3), padding="same"),
            "same-stride-beyond-kernel": lambda nn: nn.Conv2D(8, 2, strides=3, padding="same"),
            "same-dilated": lambda nn: nn.Conv2D(8, 3, dilation_rate=2, padding="same"),
            "pointwise": lambda nn: nn.Conv2D(8, 1),
        },
    ),
    _full.layer("conv2d/one-channel", image(9, 12, 1), lambda nn: nn.Conv2D(8, 3)),
    _full.layer("conv2d/groups-stride2", image(9, 12, 6), lambda nn: nn.Conv2D(9, 3, strides=2, groups=3)),
    _full.layer("conv2d/groups-depthwise", image(9, 12, 6), lambda nn: nn.Conv2D(6, 3, groups=6, padding="same")),
    *_full.layers(
        "conv2d",
        tensor(5, 9, 12),
        {
            "channels-first": lambda nn: nn.Conv2D(8, 3, data_format="channels_first"),
            "channels-first-same-stride2": lambda nn: nn.Conv2D(
                8, 3, strides=2, padding="same", data_format="channels_first"
            ),
        },
    ),
    *_full.layers("conv2d", _IMAGE, {f"activation-{name}": partial(_activated, name) for name in _FUSED.split()}),
    #
    _family.layer("conv3d/same-stride2", _VOLUME, lambda nn: nn.Conv3D(4, 3, strides=2, padding="same")),
    *_full.layers(
        "conv3d",
        _VOLUME,
        {
            "valid": lambda nn: nn.Conv3D(4, (1, 3, 2)),
            "valid-stride1x2x3": lambda nn: nn.Conv3D(4, 2, strides=(1, 2, 3)),
            "same": lambda nn: nn.Conv3D(4, 3, padding="same"),
            "same-dilated": lambda nn: nn.Conv3D(4, 2, dilation_rate=2, padding="same"),
            "pointwise": lambda nn: nn.Conv3D(4, 1),
        },
    ),
    _full.layer("conv3d/groups", tensor(5, 7, 9, 4), lambda nn: nn.Conv3D(6, 3, groups=2)),
    _full.layer("conv3d/channels-first", tensor(3, 5, 7, 9), lambda nn: nn.Conv3D(4, 3, data_format="channels_first")),
)
