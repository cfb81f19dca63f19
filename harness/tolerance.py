"""The derived tolerance: how far a correct float32 implementation may be from TensorFlow. Pure.

TensorFlow's own rounding error on this very input, E = max|y32 - y64|, sets the scale (y64 is the float64 twin's
output). OpenCV passes where |y_cv - y64| <= K * max(E, 4 ulp at the output's scale).

K = 32: on 127 users' models the error of correct cells stayed below 15 * E and wrong cells began at 15,000 * E. What it
costs: of the 45 cases of the core zoo with weights, one tensor scaled by 1 + 1e-4 is detected in 43, by 1 + 1e-5 in 6
(`dnn-harness selftest`; the others: a bias of keys, which softmax takes off again, and one at 0.87 of what is allowed).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.inputs import Array

K = 32.0
FLOOR_ULPS = 4.0
ULP = float(np.finfo(np.float32).eps)
SENSITIVITY_NEEDED = 1000.0
"""The reference must vary between inputs by this many tolerances; otherwise agreement proves nothing."""


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


def derive(reference: Reference) -> Tolerance:
    """Return the tolerance of one output. Integer and boolean outputs must be equal."""
    if not np.issubdtype(reference.float32.dtype, np.floating):
        return Tolerance(allowed=0.0, why="integers must be equal")
    finite = reference.best[np.isfinite(reference.best)]
    scale = float(np.max(np.abs(finite))) if finite.size else 0.0
    floor = FLOOR_ULPS * ULP * scale
    noise = reference.noise if np.isfinite(reference.noise) else 0.0
    if noise > floor:
        return Tolerance(allowed=K * noise, why=f"{K:g} x TensorFlow's rounding error {noise:.3g} ({reference.why})")
    tiny = float(np.finfo(np.float32).tiny)
    return Tolerance(
        allowed=K * max(floor, tiny), why=f"{K:g} x 4 ulp at output scale {scale:.3g}; {reference.why} gave {noise:.3g}"
    )
