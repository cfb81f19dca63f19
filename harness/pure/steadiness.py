"""Judging properties: whether one held, and what it means for the verdict. Pure; `trials.py` runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.evidence import Property
from harness.properties import MEANINGS, Name
from harness.pure.compare import compare_output, shapes_agree
from harness.pure.diagnose import Failure
from harness.pure.inputs import Array, Kind
from harness.pure.tolerance import Reference
from harness.pure.verdict import Verdict
from harness.records import Outcome, Stage

_WITHIN_TOLERANCE = frozenset({Name.BATCH, Name.THREADS})
"""Another order of additions is no defect here: these hold where the tolerance does."""
_APART = frozenset({Name.BATCH, Name.OTHER_SIZE, Name.DENORMAL, Name.INF, Name.NAN})
"""These never decide the outcome: the verdict itself has judged the batch, and the others are told beside it."""
WRONG = frozenset({Outcome.MISMATCH, Outcome.WRONG_SHAPE})
"""Outcomes of numbers or shapes that are not TensorFlow's."""
_SPECIAL = {
    Name.DENORMAL: "denormal values",
    Name.INF: "infinite values",
    Name.NAN: "NaN",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A property as it goes on the record, and whether it was missed by more than rounding explains."""

    name: Name
    held: bool
    message: str
    beyond: bool = False

    @property
    def property(self) -> Property:
        """The finding as evidence."""
        return Property(name=self.name.value, held=self.held, message=self.message)


def repeated(
    name: Name, first: Sequence[Array], again: Sequence[Array] | Failure, allowed: Sequence[float] | None
) -> Finding:
    """Judge a network that was asked the same again: `first` and `again` are its outputs, one array a port.

    `allowed` is the tolerance of each output; None where there is no reference to derive one from.
    """
    if isinstance(again, Failure):
        return Finding(name=name, held=False, message=f"asked again, {_failure(again)}", beyond=True)
    if all(_same_bits(a, b) for a, b in zip(first, again, strict=True)):
        return Finding(name=name, held=True, message="bits equal")
    gaps = [_gap(a, b) for a, b in zip(first, again, strict=True)]
    if allowed is None:
        message = f"bits differ, by {max(gaps):.3g}; without a reference there is no tolerance"
        return Finding(name=name, held=False, message=message)
    units = [_units(gap, limit) for gap, limit in zip(gaps, allowed, strict=True)]
    port = units.index(max(units))
    message = (
        f"bits differ, at output {port} by {gaps[port]:.3g}, {units[port]:.3g} times the allowed {allowed[port]:.3g}"
    )
    return Finding(
        name=name, held=name in _WITHIN_TOLERANCE and units[port] <= 1, message=message, beyond=units[port] > 1
    )


def special(
    name: Name, outputs: Sequence[Array] | Failure, references: Sequence[Reference], allowed: Sequence[float]
) -> Finding:
    """Judge outputs for an input with odd values against TensorFlow's, run once in float32.

    `allowed` are the tolerances of an ordinary input: that one run tells nothing of TensorFlow's rounding.
    """
    if isinstance(outputs, Failure):
        return Finding(name=name, held=False, message=f"{_failure(outputs)}, on an input with {_SPECIAL[name]}")
    for got, reference, usual in zip(outputs, references, allowed, strict=True):
        wrong = _departure(got, reference, usual)
        if wrong:
            legitimate = "; flushing denormals to zero is legitimate" if name is Name.DENORMAL else ""
            return Finding(name=name, held=False, message=f"output {reference.name!r}: {wrong}{legitimate}")
    return Finding(name=name, held=True, message=f"as in TensorFlow{_how_many(references)}")


def of_kind(kind: Kind) -> Name:
    """Return the property that an input kind is tried for. Raises ValueError for an ordinary kind."""
    return Name(kind.value)


def unsteady(verdict: Verdict, findings: Sequence[Finding]) -> Verdict:
    """Return the verdict in the light of the properties: what does not even agree with itself is `nondeterministic`.

    What is wrong already stays wrong, and says so besides: garbage varies by more or by less from run to run, and with
    the outcome would the search for the layer to blame.
    """
    broken = next((found for found in findings if found.beyond and found.name not in _APART), None)
    if broken is None or verdict.outcome in {Outcome.HARNESS_ERROR, Outcome.NONDETERMINISTIC}:
        return verdict
    words = f"{broken.name} does not hold ({MEANINGS[broken.name]}): {broken.message}"
    if verdict.outcome in WRONG:
        return replace(verdict, message=f"{verdict.message}; besides, {words}")
    return replace(verdict, outcome=Outcome.NONDETERMINISTIC, stage=Stage.COMPARE, message=words)


def _failure(failure: Failure) -> str:
    how = f"the worker ends by {failure.signal}" if failure.signal else failure.message
    return f"{failure.outcome}: {how}"


def _same_bits(one: Array, other: Array) -> bool:
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def _gap(one: Array, other: Array) -> float:
    """Return the largest difference; infinite for other shapes and where only one side is NaN or infinite."""
    if one.shape != other.shape:
        return float("inf")
    a, b = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore"):
        gaps = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    return float("inf") if np.isnan(gaps).any() else float(gaps.max(initial=0.0))


def _units(gap: float, allowed: float) -> float:
    """Return a difference in units of what is allowed; integers are allowed none."""
    return gap / allowed if allowed else float("inf") if gap else 0.0


def _departure(got: Array, reference: Reference, usual: float) -> str:
    """Say where an output departs from TensorFlow's; empty where it does not."""
    expected = reference.float32
    if not shapes_agree(got.shape, expected.shape):
        return f"shape {list(got.shape)}, but should be {list(expected.shape)}"
    if expected.dtype.kind != "f":
        differing = int(np.count_nonzero(got.reshape(expected.shape) != expected))
        return f"{differing} of {expected.size} integers differ" if differing else ""
    is_kind, should = _kinds(got.reshape(expected.shape)), _kinds(expected)
    for kind, word in enumerate(_WORDS):
        missing = (should == kind) & (is_kind != kind)
        if missing.any():
            instead = _WORDS[int(is_kind[missing].flat[0])]
            places = f"{np.count_nonzero(should == kind)} of {expected.size} places"
            return f"TensorFlow gives {word} at {places}, OpenCV {instead} at {np.count_nonzero(missing)} of them"
    difference = compare_output(got, reference, "")
    allowed = max(difference.tolerance.allowed, usual)
    return f"off by {difference.max_abs:.3g}, allowed are {allowed:.3g}" if difference.max_abs > allowed else ""


_WORDS = ("numbers", "NaN", "+inf", "-inf")


def _kinds(array: Array) -> Array:
    """Return the index into `_WORDS` of each value."""
    return np.select([np.isnan(array), array == np.inf, array == -np.inf], [1, 2, 3], default=0)


def _how_many(references: Sequence[Reference]) -> str:
    floats = [reference.float32 for reference in references if reference.float32.dtype.kind == "f"]
    odd = sum(int(np.count_nonzero(~np.isfinite(array))) for array in floats)
    return f": {odd} of {sum(array.size for array in floats)} values are not finite" if odd else ""
