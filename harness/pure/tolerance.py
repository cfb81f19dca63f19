"""The derived tolerance: how far a correct float32 implementation may be from TensorFlow. Pure.

TensorFlow's own rounding error on this very input, E = max|y32 - y64|, sets the scale (y64 is the float64 twin's
output). OpenCV passes where |y_cv - y64| <= K * max(E, 4 ulp at the output's scale).

K = 32: ONNX Runtime, an implementation of its own, needs 4 of it and OpenCV's plain arithmetic 31 (docs/tolerance.md).

Rounding errors are, to first order, proportional to the arithmetic's unit roundoff (Higham, Accuracy and Stability of
Numerical Algorithms, ch. 3). So on a device that computes in half precision E and floor are 2^-11 / 2^-24 = 8192 times
as large. A model that is itself in half precision has its E measured so, and its outputs have ulps of their own.

What K costs: of the 45 cases of the core zoo with weights, one tensor scaled by 1 + 1e-4 is detected in 42, by 1 + 1e-5
in 4 (`dnn-harness selftest`; one of the others is a bias of keys, which softmax takes off again).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.pure.inputs import Array

K = 32.0
FLOOR_ULPS = 4.0
ULP = float(np.finfo(np.float32).eps)
HALF_ULP = float(np.finfo(np.float16).eps)
SINGLE, HALF = 2.0**-24, 2.0**-11
"""Unit roundoffs: the largest relative error of rounding a number to float32, to float16."""
SENSITIVITY_NEEDED = 1000.0
"""The reference must vary between inputs by this many tolerances; otherwise agreement proves nothing."""
COARSE_SENSITIVITY_NEEDED = 4.0
"""... and by this many in half precision, where K * 4 ulp is an eighth of the output's scale and 16 tolerances are the
most there can be. Of references more than 2 tolerances apart no one answer passes for both; at 4 half of how they vary
must be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What TensorFlow says one output is, for one input."""

    name: str
    float32: Array
    """TensorFlow's own result."""
    best: Array
    """The float64 twin's result, or `float32` where no twin could be built."""
    noise: float
    """E: TensorFlow's own rounding error, or its estimate; 0 for integers."""
    why: str
    """How `noise` was found."""
    usual: float = 0.0
    """The output's scale on most inputs of the run."""
    roundoff: float = SINGLE
    """Unit roundoff of the coarsest arithmetic in the model itself, which `noise` has in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """The largest admissible absolute difference, and where it comes from."""

    allowed: float
    why: str


def batched(items: Sequence[Reference]) -> Reference:
    """Return the reference of one output for a batch of inputs whose references are known, one item after another.

    Holds where items do not meet (inference), and rounding is allowed what the roughest item allows.
    """
    return replace(
        items[0],
        float32=np.concatenate([item.float32 for item in items]),
        best=np.concatenate([item.best for item in items]),
        noise=max(item.noise for item in items),
    )


def scale_of(reference: Reference) -> float:
    """Return an output's largest magnitude among what float32 can hold; 0 where there is nothing."""
    finite = np.isfinite(reference.best) & np.isfinite(reference.float32)
    return float(np.max(np.abs(reference.best), where=finite, initial=0.0))


def with_scale(column: Sequence[Reference]) -> tuple[Reference, ...]:
    """Return one output's references on several inputs, each with what the others tell of its rounding.

    An output that is small on one input because a gate closes (a sigmoid of -100) is computed from numbers that are
    not: implementations that take 0.5 + 0.5 tanh(x / 2) for it are off by an ulp of 1. So its usual scale counts, the
    median over the inputs. One that cancels altogether (a constant input, normalised) has no noise in exact arithmetic
    either; that another order of summation leaves a rest is no more an error there than on the other inputs.
    """
    floats = [one for one in column if np.issubdtype(one.float32.dtype, np.floating)]
    usual = float(np.median([scale_of(one) for one in floats])) if floats else 0.0
    noise = max((one.noise for one in column if np.isfinite(one.noise)), default=0.0)
    return tuple(
        replace(one, usual=usual, noise=one.noise if np.any(one.best) else max(one.noise, noise)) for one in column
    )


def roundoff(backend: str) -> float:
    """Return the unit roundoff of a device, named as in records.

    >>> roundoff("opencv/opencl_fp16") == HALF, roundoff("opencv/cpu") == SINGLE
    (True, True)
    """
    return HALF if backend.endswith("_fp16") else SINGLE


def sensitivity_needed(coarsest: float) -> float:
    """Return by how many tolerances a reference must vary between inputs, for the coarsest arithmetic involved."""
    return COARSE_SENSITIVITY_NEEDED if coarsest > SINGLE else SENSITIVITY_NEEDED


def derive(reference: Reference, device: float = SINGLE) -> Tolerance:
    """Return the tolerance of one output, on a device of that unit roundoff. Integers and booleans must be equal."""
    if not np.issubdtype(reference.float32.dtype, np.floating):
        return Tolerance(allowed=0.0, why="integers must be equal")
    scale = max(scale_of(reference), reference.usual)
    floor = FLOOR_ULPS * ULP * scale * (device / SINGLE)
    noise = (reference.noise if np.isfinite(reference.noise) else 0.0) * max(1.0, device / reference.roundoff)
    coarser = f", both x {device / SINGLE:g} for half precision" if device > SINGLE else ""
    if noise > floor:
        why = f"{K:g} x TensorFlow's rounding error {noise:.3g} ({reference.why}{coarser})"
        return _at_least_ulps(reference, scale, Tolerance(allowed=K * noise, why=why))
    tiny = float(np.finfo(np.float32).tiny)
    why = f"{K:g} x 4 ulp at output scale {scale:.3g}; {reference.why} gave {noise:.3g}{coarser}"
    return _at_least_ulps(reference, scale, Tolerance(allowed=K * max(floor, tiny), why=why))


def _at_least_ulps(reference: Reference, scale: float, found: Tolerance) -> Tolerance:
    """Grant a float16 output four of its own ulps: TensorFlow may be lucky, and rounds there once for each op.

    Not K times as many, which a sum's order may cost: sums are kept in float32 and rounded at their end.
    """
    least = FLOOR_ULPS * HALF_ULP * scale if reference.float32.dtype == np.float16 else 0.0
    if least <= found.allowed:
        return found
    return Tolerance(allowed=least, why=f"4 ulp of float16 at output scale {scale:.3g}; {found.why}")
