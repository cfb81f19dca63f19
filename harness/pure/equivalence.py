"""What a fault really changes: outputs with it against outputs without it, in units of what rounding explains. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.pure.compare import compare_output
from harness.pure.inputs import Array
from harness.pure.tolerance import K, Reference, derive

Outputs = Sequence[tuple[Array, ...]]
"""For each input, one array per output."""
Errors = Sequence[Sequence[float]]
"""For each input, one number per output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The largest change over some inputs."""

    inputs: int
    same_bits: bool
    change: float
    """Largest absolute change; infinite where one side is not finite or has another shape."""
    rounding: float
    """What rounding explains on that input."""
    plan: str
    """The input with the largest change in units of rounding."""

    @property
    def times(self) -> float:
        """The change in units of rounding."""
        if self.change == 0:
            return 0.0
        return self.change / self.rounding if self.rounding else float("inf")

    @property
    def is_none(self) -> bool:
        """Whether nothing is changed but what rounding might."""
        return self.times <= 1


def measure(plans: Sequence[str], sound: Outputs, faulty: Outputs, rounding: Errors) -> Effect:
    """Return the effect of a fault on the inputs that are named; infinite where the faulty side has no outputs."""
    worst = Effect(inputs=len(plans), same_bits=True, change=0.0, rounding=0.0, plan="")
    if len(faulty) != len(sound):
        return replace(worst, same_bits=False, change=float("inf"), plan=plans[min(len(faulty), len(plans) - 1)])
    for plan, before, after, explained in zip(plans, sound, faulty, rounding, strict=True):
        for a, b, allowed in zip(before, after, explained, strict=True):
            here = replace(worst, change=_apart(a, b), rounding=allowed, plan=plan)
            same = worst.same_bits and _same_bits(a, b)
            worst = replace(here if here.times > worst.times else worst, same_bits=same)
    return worst


def rounding(outputs: Outputs, references: Sequence[Sequence[Reference]]) -> list[list[float]]:
    """Return how far two sound computations of each output may be apart.

    The one at hand is as far from the reference as it is; the other may be off by TensorFlow's own error, or by 4 ulp
    at the output's scale.
    """
    return [
        [_own_error(array, best) + derive(best).allowed / K for array, best in zip(arrays, expected, strict=True)]
        for arrays, expected in zip(outputs, references, strict=True)
    ]


def _own_error(array: Array, reference: Reference) -> float:
    return min(compare_output(array, reference, "").max_abs, derive(reference).allowed)


def reason(run: Effect, again: Effect, idle: str) -> str:
    """Say why a fault that was judged ok is equivalent, or what was not seen."""
    inputs = run.inputs + again.inputs
    if run.same_bits and again.same_bits:
        return f"the same bits on {inputs} inputs" + (f": {idle}" if idle else "")
    if run.is_none and again.is_none:
        most = max(run.times, again.times)
        return f"on {inputs} inputs no farther than rounding explains (at most {most:.2g} of it)"
    if run.is_none:
        return f"invisible on the {run.inputs} inputs of a run, but {_told(again)}"
    return f"below the tolerance, but {_told(run)}"


def _told(effect: Effect) -> str:
    return f"moves an output by {effect.change:.3g} ({effect.times:.3g} times what rounding explains) on {effect.plan}"


def _same_bits(one: Array, other: Array) -> bool:
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def _apart(one: Array, other: Array) -> float:
    """Return the largest absolute difference; NaN meets NaN, and infinity its like."""
    if one.shape != other.shape:
        return float("inf")
    with np.errstate(invalid="ignore"):
        a, b = one.astype(np.float64), other.astype(np.float64)
        gaps = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    return float("inf") if np.isnan(gaps).any() else float(gaps.max(initial=0.0))
