"""`keras.ops` value by value: arithmetic, functions of mathematics, comparisons, choices, casts."""

from functools import partial
from typing import Any

import numpy as np

from model_zoo.declare import Family, Tier, image, several, tensor

_full = Family(__name__, "layers", tier=Tier.FULL)

_IMAGE = image(5, 7, 3)
_POSITIVE = tensor(5, 7, 3, low=0.5, high=3)
_WITHIN_1 = tensor(5, 7, 3, low=-0.9, high=0.9)
_TWO = several(image(5, 7, 3, name="left"), image(5, 7, 3, name="right"))
_TWO_POSITIVE = several(tensor(5, 7, 3, name="left", low=0.5, high=3), tensor(5, 7, 3, name="right", low=0.5, high=3))

_PER_CHANNEL = np.asarray([0.5, -1.0, 2.0], np.float32)

_OF_ANY = "abs arctan ceil cos erf exp expm1 floor negative round sign sin sinh square tan tanh"
_OF_POSITIVE = "log log1p log2 reciprocal rsqrt sqrt"
_OF_WITHIN_1 = "arcsin"
_OF_TWO = "add arctan2 logaddexp maximum minimum multiply subtract"
_OF_TWO_POSITIVE = "divide floor_divide mod power"
_COMPARISONS = "equal greater greater_equal less less_equal not_equal"
_LOGICAL = "logical_and logical_or logical_xor"


def _call(name: str, ops: Any, *tensors: Any) -> Any:
    return getattr(ops, name)(*tensors)


def _compare(name: str, ops: Any, left: Any, right: Any) -> Any:
    """Mask values by a comparison of rounded ones, among which equal ones occur."""
    return left * ops.cast(getattr(ops, name)(ops.round(2 * left), ops.round(2 * right)), "float32")


def _combine(name: str, ops: Any, left: Any, right: Any) -> Any:
    return left * ops.cast(getattr(ops, name)(left > 0, right > 0), "float32")


CASES = (
    *(
        case
        for inputs, names in (
            (_IMAGE, _OF_ANY),
            (_POSITIVE, _OF_POSITIVE),
            (_WITHIN_1, _OF_WITHIN_1),
            (_TWO, _OF_TWO),
            (_TWO_POSITIVE, _OF_TWO_POSITIVE),
        )
        for case in _full.operations(inputs, {name: partial(_call, name) for name in names.split()})
    ),
    *_full.operations(_TWO, {name: partial(_compare, name) for name in _COMPARISONS.split()}),
    *_full.operations(_TWO, {name: partial(_combine, name) for name in _LOGICAL.split()}),
    #
    _full.graph("ops/where", _IMAGE, lambda keras, x: keras.ops.where(x > 0.25, x, -0.5 * x)),
    *_full.operations(
        _IMAGE,
        {
            "clip": lambda ops, x: ops.clip(x, -0.5, 0.25),
            "where-twice": lambda ops, x: ops.where(x > 0.5, x, ops.where(x < -0.5, -x, 0.25)),
            "select": lambda ops, x: ops.select([x > 0.5, x < -0.5], [x, -x], 0.25),
            "comparison-bool": lambda ops, x: ops.greater(x, 0.25),
            "cast-int32": lambda ops, x: ops.cast(4 * x, "int32"),
            "stop_gradient": lambda ops, x: 2 * ops.stop_gradient(x),
            "add-channels": lambda ops, x: ops.add(x, _PER_CHANNEL),
            "multiply-channels": lambda ops, x: ops.multiply(x, _PER_CHANNEL),
            "divide-by-scalar": lambda ops, x: ops.divide(x, 3.0),
            "minimum-scalar": lambda ops, x: ops.minimum(x, 0.25),
            "power-2": lambda ops, x: ops.power(x, 2),
            "glu": lambda ops, x: ops.glu(x[:, :, :6], axis=2),
            "threshold": lambda ops, x: ops.threshold(x, 0.25, -0.5),
        },
    ),
    *_full.operations(
        _POSITIVE,
        {
            "divide-scalar-by": lambda ops, x: ops.divide(1.5, x),
            "power-half": lambda ops, x: ops.power(x, 0.5),
        },
    ),
    *_full.operations(
        several(image(5, 7, 3, name="left"), tensor(3, name="right")),
        {
            "add-vector": lambda ops, left, right: ops.add(left, right[:, None, None, :]),
            "multiply-vector": lambda ops, left, right: ops.multiply(left, right[:, None, None, :]),
        },
    ),
)
