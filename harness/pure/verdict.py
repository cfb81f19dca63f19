"""Verdicts: one `Outcome` for a cell, from what was observed and how it compares. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.evidence import Parity
from harness.pure.compare import Difference, summarise
from harness.pure.diagnose import Failure, keras_layer
from harness.pure.tolerance import SENSITIVITY_NEEDED
from harness.records import Outcome, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The opinion on one cell."""

    outcome: Outcome
    stage: Stage | None = None
    op: str | None = None
    layer: str | None = None
    message: str | None = None
    signal: str | None = None
    parity: Parity | None = None
    allowed: tuple[tuple[float, ...], ...] = ()
    """The tolerance of each output, input by input; empty where nothing was compared."""
    caveat: str | None = None
    """What an `ok` rests on besides."""

    @property
    def fingerprint(self) -> tuple[Outcome, Stage | None, str | None]:
        """What must be the same when the cell is repeated."""
        return (self.outcome, self.stage, self.op)


def from_failure(failure: Failure, node_layers: Mapping[str, str]) -> Verdict:
    """Return the verdict on a cell that gave no outputs."""
    return Verdict(
        outcome=failure.outcome,
        stage=failure.stage,
        op=failure.op,
        layer=keras_layer(failure.node, node_layers),
        message=failure.message,
        signal=failure.signal,
    )


def from_differences(
    differences: Sequence[Difference], *, inputs: int, sensitivity: float, needed: float = SENSITIVITY_NEEDED
) -> Verdict:
    """Return the verdict on a cell whose outputs were compared.

    Agreement that proves nothing is `vacuous`: where outputs vary between inputs by less than `needed` tolerances.
    """
    parity = summarise(differences, inputs=inputs, sensitivity=sensitivity)
    misshapen = next((difference for difference in differences if not difference.same_shape), None)
    if misshapen is not None:
        message = (
            f"output {misshapen.output!r} has shape {list(misshapen.shape_got)}, "
            f"but should be {list(misshapen.shape_expected)}{_likeness(misshapen)}"
        )
        return Verdict(outcome=Outcome.WRONG_SHAPE, stage=Stage.COMPARE, message=message)
    wrong = [difference for difference in differences if not difference.passed]
    if wrong:
        worst = max(wrong, key=lambda difference: difference.margin)
        plainest = f"; {parity.plainest_input} fails too" if parity.plainest_input != parity.worst_input else ""
        message = f"{_off(parity)} on input {parity.worst_input}{plainest}{_likeness(worst)}"
        return Verdict(outcome=Outcome.MISMATCH, stage=Stage.COMPARE, message=message, parity=parity)
    if sensitivity < needed:
        message = (
            f"the outputs agree, but vary between inputs by only {sensitivity:.3g} tolerances "
            f"({needed:g} are needed), so agreement proves nothing; "
            "give the model trained or conditioned weights"
        )
        return Verdict(outcome=Outcome.VACUOUS, stage=Stage.COMPARE, message=message, parity=parity)
    return Verdict(outcome=Outcome.OK, parity=parity, caveat=_coarse(sensitivity))


def _coarse(sensitivity: float) -> str | None:
    """Say what half precision leaves unseen, where that is more than in single precision."""
    if sensitivity >= SENSITIVITY_NEEDED:
        return None
    return (
        f"half precision: outputs vary between inputs by {sensitivity:.3g} tolerances, so errors below "
        f"{100 / sensitivity:.2g} % of that go unseen"
    )


def _likeness(difference: Difference) -> str:
    return f"; {difference.looks_like}" if difference.looks_like else ""


def _off(parity: Parity) -> str:
    if parity.max_abs is None or parity.margin is None:
        return f"output {parity.output!r} differs without bound: not finite, or an integer that must be equal"
    error = f"{parity.max_abs:.3g}, {parity.margin:.3g} times the allowed {parity.allowed:.3g}"
    return f"output {parity.output!r} is off by {error}"


def nondeterministic(first: Verdict, second: Verdict) -> Verdict:
    """Return the verdict on a cell that gave one thing, and another in a fresh worker."""
    message = f"first {first.outcome} ({first.message}), then in a fresh worker {second.outcome} ({second.message})"
    return Verdict(outcome=Outcome.NONDETERMINISTIC, stage=first.stage, op=first.op, layer=first.layer, message=message)
