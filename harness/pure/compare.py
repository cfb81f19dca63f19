"""Comparing OpenCV's outputs with TensorFlow's, tensor by tensor. Pure; never transposes to find a better fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from harness.encoding import finite
from harness.evidence import ErrorMap, InputMargin, Parity
from harness.manifests import Layout
from harness.pure.explaining import draw_error, name_layout
from harness.pure.inputs import Array, InputPlan, Kind
from harness.pure.tolerance import SINGLE, Reference, Tolerance, derive

_Doubles = npt.NDArray[np.float64]
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One output on one input, held against its reference."""

    output: str
    plan: str
    max_abs: float
    """Infinite where one side is NaN or infinite and the other is not."""
    tolerance: Tolerance
    shape_got: tuple[int, ...]
    shape_expected: tuple[int, ...]
    looks_like: str | None = None
    """How a wrong output would be right (in another layout), or None."""
    error_map: ErrorMap | None = None

    @property
    def same_shape(self) -> bool:
        """Whether the shapes are equal; without that there are no differences to speak of."""
        return self.shape_got == self.shape_expected

    @property
    def margin(self) -> float:
        """Error in units of what is allowed: above 1 is wrong."""
        if self.max_abs == 0:
            return 0.0
        return self.max_abs / self.tolerance.allowed if self.tolerance.allowed else float("inf")

    @property
    def passed(self) -> bool:
        """Whether the output is right."""
        return self.same_shape and self.margin <= 1


def compare_output(
    got: Array, reference: Reference, plan: str, layout: Layout = Layout.AS_KERAS, device: float = SINGLE
) -> Difference:
    """Compare one output, turned into the Keras layout from the documented one, with its reference.

    `device` is the unit roundoff of what computed it.
    """
    expected = reference.best
    same = shapes_agree(got.shape, expected.shape)
    found = Difference(
        output=reference.name,
        plan=plan,
        max_abs=_max_abs(got.reshape(expected.shape), reference) if same else float("inf"),
        tolerance=derive(reference, device),
        shape_got=expected.shape if same else got.shape,
        shape_expected=expected.shape,
    )
    return found if found.passed else _explained(found, got, reference, layout)


def _explained(found: Difference, got: Array, reference: Reference, layout: Layout) -> Difference:
    actual, expected = np.asarray(got, dtype=np.float64), _expected(reference)
    allowed = found.tolerance.allowed
    drawn = draw_error(actual.reshape(expected.shape), expected, allowed) if found.same_shape else None
    return replace(found, looks_like=name_layout(actual, expected, allowed, layout), error_map=drawn)


def shapes_agree(got: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Whether a Mat's shape says the same as the tensor's.

    Below OpenCV 5 a Mat has at least two axes: a vector of n comes as (n, 1), a scalar as (1, 1), from 5 on as (1,).
    Nothing else is let pass.
    """
    if len(expected) >= 2:
        return got == expected
    as_mat = {(1,), (1, 1)} if not expected else {(*expected, 1)}
    return got == expected or got in as_mat


def _expected(reference: Reference) -> _Doubles:
    """Return what is right: the twin's numbers, but TensorFlow's own infinity where float32 cannot hold them."""
    best = np.asarray(reference.best, dtype=np.float64)
    return np.where(np.isfinite(reference.float32), best, np.asarray(reference.float32, dtype=np.float64))


def _max_abs(got: Array, reference: Reference) -> float:
    """Largest difference; NaN must meet NaN, and an infinity one of the same sign."""
    expected, actual = _expected(reference), np.asarray(got, dtype=np.float64)
    if not actual.size:
        return 0.0
    both_odd = ~np.isfinite(expected) & ((expected == actual) | (np.isnan(expected) & np.isnan(actual)))
    both_odd |= _at_the_end(actual, np.asarray(reference.best, dtype=np.float64))
    with np.errstate(invalid="ignore"):
        gaps = np.where(both_odd, 0.0, np.abs(actual - expected))
    return float("inf") if np.isnan(gaps).any() else float(gaps.max())


def _at_the_end(actual: _Doubles, best: _Doubles) -> npt.NDArray[np.bool_]:
    """Tell where both are of one sign and at the end of float32's range: within a factor of four, or beyond it.

    There infinity and the largest numbers are the same: the exponential of OpenCV 4 is infinite from 88.4 on, that of
    others from 88.7, a hyperbolic sine halves one, and no network can use the difference.
    """
    far = (np.abs(actual) >= _LARGEST / 4) & (np.abs(best) >= _LARGEST / 4) & np.isfinite(best)
    return np.asarray(far & (np.sign(actual) == np.sign(best)))


def sensitivity(references: Sequence[Sequence[Reference]], device: float = SINGLE) -> float:
    """Return how well the inputs are told apart, in tolerances: by the two that differ most; the worst output counts.

    `references[k][o]` is output o on input k. What passes on both of two inputs must tell them apart as far as the
    reference does, less a tolerance of each; one input at which the network is not steady does not undo that.
    Below `tolerance.sensitivity_needed` agreement proves nothing. Integer outputs count as soon as they vary at all.
    """
    by_output = zip(*references, strict=True)
    return min((_spread(list(column), device) for column in by_output), default=0.0)


def _spread(column: list[Reference], device: float) -> float:
    if len({reference.best.shape for reference in column}) != 1:
        return 0.0
    values = [np.asarray(reference.best, dtype=np.float64) for reference in column]
    allowed = [derive(reference, device).allowed for reference in column]
    pairs = combinations(range(len(column)), 2)
    return max((_apart(values[i], values[j], max(allowed[i], allowed[j])) for i, j in pairs), default=0.0)


def _apart(one: _Doubles, other: _Doubles, allowed: float) -> float:
    """Return the largest finite difference in units of what is allowed."""
    with np.errstate(invalid="ignore"):
        gaps = np.abs(one - other)
    gap = float(np.max(gaps, where=np.isfinite(gaps), initial=0.0))
    if allowed == 0.0:
        return float(np.finfo(np.float32).max) if gap > 0 else 0.0
    return gap / allowed


def summarise(differences: Sequence[Difference], *, inputs: int, sensitivity: float) -> Parity:
    """Condense all differences of a cell into its worst one."""
    worst = max(differences, key=lambda difference: (not difference.same_shape, difference.margin))
    return Parity(
        max_abs=finite(worst.max_abs),
        allowed=worst.tolerance.allowed,
        margin=finite(worst.margin),
        inputs=inputs,
        why=worst.tolerance.why,
        worst_input=worst.plan,
        sensitivity=min(sensitivity, float(np.finfo(np.float32).max)),
        output=worst.output,
        error_map=worst.error_map,
        plainest_input=plainest([difference.plan for difference in differences if not difference.passed]),
        by_input=tuple(_by_input(differences)),
    )


def _by_input(differences: Sequence[Difference]) -> Iterator[InputMargin]:
    """Yield each input's margin at its worst output; where shapes differ there is none to speak of."""
    worst: dict[str, float] = {}
    for found in differences:
        worst[found.plan] = max(worst.get(found.plan, 0.0), found.margin)
    for plan, margin in worst.items():
        yield InputMargin(plan=plan, margin=finite(float(f"{margin:.3g}")))


def plainest(plans: Sequence[str]) -> str:
    """Return the plainest of the inputs named: by kind, then fewest items; a picture is odder than any plan.

    The first of equals; empty where there are none.
    """
    return min(plans, key=_oddness, default="")


def _oddness(text: str) -> tuple[int, int]:
    kinds = list(Kind)
    if text.partition(":")[0] not in kinds:
        return len(kinds), 1
    plan = InputPlan.parse(text)
    return kinds.index(plan.kind), plan.items
