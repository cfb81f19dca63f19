"""Pooling: maximum and average, with padding, over one, two and three axes; global; to a given size.

Adaptive pooling to one value is missing: Keras 3.15 also pools with a window one larger than the input there, at which
TensorFlow dies of SIGFPE (maximum) or refuses to trace (average).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from harness.cases import Case
from model_zoo.declare import Family, Inputs, Tier, image, tensor

_family = Family(__name__, "layers")
_CORE = frozenset(
    {
        "average_pooling1d/valid",
        "average_pooling2d/same-stride2",
        "average_pooling3d/valid",
        "global_average_pooling2d/plain",
        "global_max_pooling1d/plain",
        "global_max_pooling2d/keepdims",
        "max_pooling1d/valid",
        "max_pooling2d/same-stride2",
        "max_pooling3d/valid",
    }
)

_SEQUENCE = tensor(17, 5)
_IMAGE, _IMAGE_FIRST = image(9, 12, 5), tensor(5, 9, 12)
_VOLUME = tensor(5, 7, 9, 3)

Options = Mapping[str, Any]

_WINDOWS_1D: Mapping[str, Options] = {
    "valid": {"pool_size": 3},
    "valid-stride3": {"pool_size": 2, "strides": 3},
    "same": {"pool_size": 3, "strides": 2, "padding": "same"},
}
_WINDOWS_2D: Mapping[str, Options] = {
    "valid": {"pool_size": (2, 3)},
    "valid-stride3": {"pool_size": 2, "strides": 3},
    "valid-overlapping": {"pool_size": 3, "strides": 2},
    "valid-whole-image": {"pool_size": (9, 12)},
    "same": {"pool_size": 2, "padding": "same"},
    "same-stride1": {"pool_size": 3, "strides": 1, "padding": "same"},
    "same-stride2": {"pool_size": 3, "strides": 2, "padding": "same"},
    "same-window5-stride3": {"pool_size": 5, "strides": 3, "padding": "same"},
}
_WINDOWS_3D: Mapping[str, Options] = {
    "valid": {"pool_size": 2},
    "valid-window1x2x3": {"pool_size": (1, 2, 3)},
    "valid-overlapping": {"pool_size": 3, "strides": 2},
    "same-stride2": {"pool_size": 3, "strides": 2, "padding": "same"},
}
_WINDOW_FIRST: Mapping[str, Options] = {"channels-first": {"pool_size": 2, "data_format": "channels_first"}}
_GLOBAL: Mapping[str, Options] = {"plain": {}, "keepdims": {"keepdims": True}}
_GLOBAL_FIRST: Mapping[str, Options] = {"channels-first": {"data_format": "channels_first"}}


def _sizes(**sizes: Any) -> Mapping[str, Options]:
    return {name: {"output_size": size} for name, size in sizes.items()}


def _both(case_id: str, layer: str, inputs: Inputs, table: Mapping[str, Options]) -> tuple[Case, ...]:
    """Declare each row for maximum and for average: `{}` in the id and in the layer's name stands for either."""
    return tuple(
        _pool(f"{case_id.format(kind.lower())}/{row}", layer.format(kind), inputs, options)
        for kind in ("Max", "Average")
        for row, options in table.items()
    )


def _pool(case_id: str, layer: str, inputs: Inputs, options: Options) -> Case:
    tier = Tier.CORE if case_id in _CORE else Tier.FULL
    return _family.layer(case_id, inputs, partial(_layer, layer, options), tier=tier)


def _layer(name: str, options: Options, nn: Any) -> Any:
    return getattr(nn, name)(**options)


CASES = (
    *_both("{}_pooling1d", "{}Pooling1D", _SEQUENCE, _WINDOWS_1D),
    *_both("{}_pooling2d", "{}Pooling2D", _IMAGE, _WINDOWS_2D),
    *_both("{}_pooling2d", "{}Pooling2D", _IMAGE_FIRST, _WINDOW_FIRST),
    *_both("{}_pooling3d", "{}Pooling3D", _VOLUME, _WINDOWS_3D),
    *_both("global_{}_pooling1d", "Global{}Pooling1D", _SEQUENCE, _GLOBAL),
    *_both("global_{}_pooling2d", "Global{}Pooling2D", _IMAGE, _GLOBAL),
    *_both("global_{}_pooling2d", "Global{}Pooling2D", _IMAGE_FIRST, _GLOBAL_FIRST),
    *_both("global_{}_pooling3d", "Global{}Pooling3D", _VOLUME, _GLOBAL),
    *_both("adaptive_{}_pooling1d", "Adaptive{}Pooling1D", tensor(12, 5), _sizes(divisor=4, uneven=5)),
    *_both("adaptive_{}_pooling2d", "Adaptive{}Pooling2D", _IMAGE, _sizes(divisor=3, uneven=(4, 5))),
    *_both("adaptive_{}_pooling3d", "Adaptive{}Pooling3D", _VOLUME, _sizes(uneven=(2, 3, 4))),
)
