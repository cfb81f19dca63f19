"""The catalogue of planted faults, and those that are planted in outputs. Pure: arrays in, arrays out.

Faults of models are planted by the child program `harness.export.faults`; here they have their names and words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.pure.inputs import Array

Outputs = Sequence[tuple[Array, ...]]
"""For each input, one array per output, in Keras's layout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault."""

    kind: str
    meaning: str
    idle: str = ""
    """When a fault of this kind changes nothing, in words; for those that are found to change nothing."""


MODEL_FAULTS = (
    Fault(kind="weights-up-1%", meaning="a weight tensor x 1.01", idle="what it multiplies cancels out"),
    Fault(kind="weights-down-1%", meaning="a weight tensor x 0.99", idle="what it multiplies cancels out"),
    Fault(kind="one-weight-up-10%", meaning="the largest weight of a tensor + 10 %", idle="nothing depends on it"),
    Fault(kind="one-weight-down-10%", meaning="the largest weight of a tensor - 10 %", idle="nothing depends on it"),
    Fault(kind="weights-half", meaning="all weights rounded to float16", idle="no output depends on the lost bits"),
    Fault(
        kind="channels-swapped", meaning="two output channels of a kernel exchanged", idle="what follows is symmetric"
    ),
    Fault(kind="kernel-transposed", meaning="rows and columns of a kernel exchanged", idle="what follows is symmetric"),
    Fault(kind="bias-dropped", meaning="a bias left out", idle="what follows takes it off again"),
    Fault(
        kind="groups-exchanged", meaning="the first two groups of a convolution exchanged", idle="they are symmetric"
    ),
    Fault(kind="padding-shifted", meaning="one cell of padding at the other end", idle="no window reaches that cell"),
    Fault(kind="dilation-ignored", meaning="a dilated kernel's taps side by side", idle="no tap lands elsewhere"),
    Fault(kind="pool-counts-padding", meaning="an average that counts padding, or no longer does", idle="none is read"),
    Fault(
        kind="pool-exchanged", meaning="the largest value for the average, or the other way round", idle="windows of 1"
    ),
    Fault(kind="relu6-as-relu", meaning="an upper bound lost", idle="no value that counts reaches the bound"),
    Fault(kind="relu-as-relu6", meaning="an upper bound of 6 added", idle="no value that counts reaches 6"),
    Fault(kind="slope-exchanged", meaning="another slope below zero", idle="no value is below zero"),
    Fault(kind="gelu-exchanged", meaning="GELU by tanh for the exact one", idle="no value is where they differ"),
    Fault(kind="softmax-axis", meaning="a softmax along another axis", idle="both axes are alike"),
    Fault(
        kind="activation-left-out",
        meaning="an elementwise layer bypassed",
        idle="no value that counts is changed by it",
    ),
    Fault(kind="half-pixel-flipped", meaning="half-pixel centres for corners", idle="both round to the same pixel"),
    Fault(kind="align-corners-flipped", meaning="corners aligned for not aligned", idle="both round to the same pixel"),
    Fault(kind="operands-exchanged", meaning="a - b for b - a, a / b for b / a", idle="its square is taken"),
    Fault(kind="parts-exchanged", meaning="the parts of a join in another order", idle="the parts are equal"),
)
KERAS_FAULTS = (
    Fault(kind="batch-norm-epsilon", meaning="epsilon 1e-5 for 1e-3 in batch normalisation", idle="variances dwarf it"),
    Fault(kind="other-norm-epsilon", meaning="another epsilon in other normalisations", idle="variances dwarf it"),
)
"""Planted in the Keras model, since converters fold what they are about into weights."""

Change = Callable[[Outputs], list[tuple[Array, ...]]]


def _per_array(change: Callable[[Array], Array]) -> Change:
    return lambda outputs: [tuple(change(array) for array in arrays) for arrays in outputs]


def _stale(outputs: Outputs) -> list[tuple[Array, ...]]:
    """Give every input the outputs of the input before."""
    return [outputs[0], *outputs[:-1]]


def _exchanged(outputs: Outputs) -> list[tuple[Array, ...]]:
    """Exchange the first and the last output."""
    return [(arrays[-1], *arrays[1:-1], arrays[0]) if len(arrays) > 1 else arrays for arrays in outputs]


def _shifted(axis: int) -> Callable[[Array], Array]:
    """Move by one along an axis of an image or sequence, its edge repeated: a crop or padding off by one."""

    def change(array: Array) -> Array:
        if array.ndim <= axis + 1 or array.shape[axis] < 2:
            return array
        return np.take(array, [0, *range(array.shape[axis] - 1)], axis=axis)

    return change


def _transposed(array: Array) -> Array:
    """Take rows for columns in memory; the shape is the one that is expected."""
    if array.ndim != 4 or 1 in array.shape[1:3]:
        return array
    return np.swapaxes(array, 1, 2).reshape(array.shape)


def _reversed(array: Array) -> Array:
    return array[..., ::-1] if array.ndim > 1 and array.shape[-1] > 1 else array


def _half(array: Array) -> Array:
    if array.dtype.kind != "f":
        return array
    with np.errstate(over="ignore"):
        return array.astype(np.float16).astype(array.dtype)


def _one_value(array: Array) -> Array:
    """Put the largest value off by one per cent."""
    finite = np.where(np.isfinite(array), array, 0) if array.dtype.kind == "f" else array
    if array.dtype.kind != "f" or not np.any(finite):
        return array
    moved = array.copy()
    place = int(np.argmax(np.abs(finite)))
    moved.flat[place] = 1.01 * float(moved.flat[place])
    return moved


def _nan_lost(array: Array) -> Array:
    return np.nan_to_num(array, nan=0.0, posinf=np.inf, neginf=-np.inf) if array.dtype.kind == "f" else array


OUTPUT_FAULTS: dict[Fault, Change] = {
    Fault(kind="output-stale", meaning="the outputs of the input before", idle="both inputs give the same"): _stale,
    Fault(kind="outputs-exchanged", meaning="outputs in the wrong order", idle="both outputs are equal"): _exchanged,
    Fault(kind="rows-shifted", meaning="off by one along the first axis", idle="rows are equal"): _per_array(
        _shifted(1)
    ),
    Fault(kind="columns-shifted", meaning="off by one along the second axis", idle="columns are equal"): _per_array(
        _shifted(2)
    ),
    Fault(kind="output-transposed", meaning="rows and columns exchanged", idle="it is symmetric"): _per_array(
        _transposed
    ),
    Fault(kind="output-reversed", meaning="channels in reverse", idle="it is symmetric"): _per_array(_reversed),
    Fault(kind="output-half", meaning="outputs rounded to float16", idle="float16 holds every value"): _per_array(
        _half
    ),
    Fault(kind="one-value-off", meaning="one value of an output off by 1 %", idle="it is all zero"): _per_array(
        _one_value
    ),
}
NAN_LOST = Fault(kind="nan-lost", meaning="NaN became 0 on an input that holds NaN", idle="no output is NaN")
OTHER_ITEM = Fault(kind="other-item", meaning="another item of the batch", idle="both items give the same")


def lose_nan(outputs: Outputs) -> list[tuple[Array, ...]]:
    """Return outputs with 0 where NaN was: what an implementation gives that takes max(x, 0) of NaN for 0."""
    return _per_array(_nan_lost)(outputs)


def exchange_items(outputs: Outputs) -> list[tuple[Array, ...]]:
    """Return the outputs of a batch with every item in the place of the next; the batch is the first axis."""
    return _per_array(lambda array: np.roll(array, 1, axis=0))(outputs)


def catalogue() -> tuple[Fault, ...]:
    """Return all kinds, in the order in which they are reported."""
    return (*MODEL_FAULTS, *KERAS_FAULTS, *OUTPUT_FAULTS, NAN_LOST, OTHER_ITEM)
