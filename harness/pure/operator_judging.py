"""The opinion on one backend test: strict as ONNX's own runner is, and lenient. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.operators import WORST_FIRST, Answer, OperatorCase
from harness.pure.diagnose import Failure
from harness.pure.npy import Array
from harness.records import Stage

_BFLOAT16_RTOL = 2.0**-6
"""Two ulp of bfloat16: what ONNX's runner allows there (`assert_similar_outputs` of onnx/backend/test/runner)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorVerdict:
    """Both opinions on one case, and what they rest on."""

    strict: Answer
    lenient: Answer
    max_abs: float | None = None
    excess: float | None = None
    stage: Stage | None = None
    op: str | None = None
    message: str | None = None
    signal: str | None = None

    @property
    def fingerprint(self) -> tuple[Answer, Answer, Stage | None, str | None]:
        """What must be the same when the case is repeated."""
        return (self.strict, self.lenient, self.stage, self.op)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """One output held against what it should be."""

    strict: Answer
    lenient: Answer
    max_abs: float = 0.0
    excess: float = 0.0
    message: str = ""


def refused(failure: Failure) -> OperatorVerdict:
    """Return the verdict on a case that gave no outputs: strict and lenient are one then."""
    answer = Answer(failure.outcome.value)
    return OperatorVerdict(
        strict=answer,
        lenient=answer,
        stage=failure.stage,
        op=failure.op,
        message=failure.message,
        signal=failure.signal,
    )


def inexpressible(case: OperatorCase) -> OperatorVerdict:
    """Return the verdict on a case that OpenCV loads, and whose data cannot be handed to it."""
    told = f"the model loads; it was not run: {case.not_expressible}"
    return OperatorVerdict(
        strict=Answer.NOT_EXPRESSIBLE, lenient=Answer.NOT_EXPRESSIBLE, stage=Stage.FORWARD, message=told
    )


def unsteady(first: OperatorVerdict, second: OperatorVerdict) -> OperatorVerdict:
    """Return the verdict on a case that gave one thing, and another when repeated; be it other numbers as wrong."""
    message = f"not the same twice: first {_told(first)}, in another worker {_told(second)}"
    answer = Answer.NONDETERMINISTIC
    return OperatorVerdict(strict=answer, lenient=answer, stage=first.stage, op=first.op, message=message)


def _told(verdict: OperatorVerdict) -> str:
    return f"{verdict.strict} / {verdict.lenient} ({verdict.message})" if verdict.message else verdict.strict.value


def judge(
    case: OperatorCase, outputs: Sequence[Sequence[Array]], expected: Sequence[Sequence[Array]]
) -> OperatorVerdict:
    """Compare every output of every data set; the worst answer is the case's.

    Strict is what `assert_similar_outputs` of onnx/backend/test/runner asks for: equal shape, equal dtype, and
    |got - expected| <= atol + rtol * |expected| (NaN equals NaN), with the case's rtol 1e-3 and atol 1e-7. Lenient
    takes away axes of size 1 and converts the dtype before the same comparison: OpenCV 4 has no 0-D and 1-D tensors.
    """
    found = [
        _compare(case, name, got, wanted, dtype)
        for produced, prescribed, dtypes in zip(outputs, expected, case.output_dtypes, strict=True)
        for name, got, wanted, dtype in zip(case.outputs, produced, prescribed, dtypes, strict=True)
    ]
    strict, lenient = _worst([one.strict for one in found]), _worst([one.lenient for one in found])
    largest = max((one.max_abs for one in found), default=0.0)
    excess = max((one.excess for one in found), default=0.0)
    told = next((one.message for one in found if one.lenient is lenient and one.strict is strict and one.message), None)
    told = told or next((one.message for one in found if one.message), None)
    return OperatorVerdict(
        strict=strict,
        lenient=lenient,
        max_abs=_finite(largest),
        excess=_finite(excess),
        stage=None if strict is Answer.OK else Stage.COMPARE,
        message=told,
    )


def _worst(answers: Sequence[Answer]) -> Answer:
    return min(answers, key=WORST_FIRST.index, default=Answer.OK)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _compare(case: OperatorCase, name: str, got: Array, expected: Array, dtype: str) -> _Compared:
    """Compare one output; `dtype` is the one ONNX prescribes, which `expected` may have in a wider form."""
    if got.size == expected.size == 0:  # OpenCV's binding has no shape for what has no elements
        strict, told = _form(name, got, expected, dtype)
        return _Compared(strict=strict, lenient=Answer.OK, message=told)
    if _plain(got.shape) != _plain(expected.shape):
        message = f"output {name!r} has shape {list(got.shape)}, but should be {list(expected.shape)}"
        return _Compared(
            strict=Answer.WRONG_SHAPE,
            lenient=Answer.WRONG_SHAPE,
            max_abs=float("inf"),
            excess=float("inf"),
            message=message,
        )
    rtol = max(case.rtol, _BFLOAT16_RTOL) if dtype == "bfloat16" else case.rtol
    largest, excess = _distance(got.reshape(expected.shape), expected, rtol, case.atol)
    if excess > 1:
        told = f"output {name!r} is off by {largest:.3g}, {excess:.3g} times what is allowed there"
        strict = Answer.WRONG_SHAPE if got.shape != expected.shape else Answer.MISMATCH
        return _Compared(strict=strict, lenient=Answer.MISMATCH, max_abs=largest, excess=excess, message=told)
    strict, told = _form(name, got, expected, dtype)
    return _Compared(strict=strict, lenient=Answer.OK, max_abs=largest, excess=excess, message=told)


def _form(name: str, got: Array, expected: Array, dtype: str) -> tuple[Answer, str]:
    """Say whether an output with the right values has the right form as well."""
    if got.shape != expected.shape:
        told = (
            f"output {name!r} has shape {list(got.shape)}, but should be {list(expected.shape)}; the values are right"
        )
        return Answer.WRONG_SHAPE, told
    if got.dtype.name != dtype:
        return Answer.WRONG_DTYPE, f"output {name!r} is {got.dtype.name}, but should be {dtype}; the values are right"
    return Answer.OK, ""


def _plain(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _distance(got: Array, expected: Array, rtol: float, atol: float) -> tuple[float, float]:
    """Return the largest absolute difference, and the largest in units of what is allowed where it occurs."""
    wide = np.complex128 if "c" in got.dtype.kind + expected.dtype.kind else np.float64
    if np.array_equal(got, expected):  # also for whole numbers that float64 has not
        return 0.0, 0.0
    a, b = got.astype(wide), expected.astype(wide)
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
        gaps = np.where(np.isnan(gaps), np.inf, gaps)  # NaN on one side alone
        units = np.divide(gaps, atol + rtol * np.abs(b), out=np.zeros_like(gaps), where=gaps > 0)
    units = np.where(np.isnan(units), np.inf, units)  # an infinity where another number should be, or NaN
    return float(gaps.max(initial=0.0)), float(units.max(initial=0.0))
