"""Faults planted in one case and judged as `run` judges: what is seen, and whether the rest changes anything at all.

A faulty model goes the way of a sound one: the same worker, inputs, references, tolerances and verdict. What is judged
`ok` is looked at again: a fault that changes nothing on further inputs either is equivalent, any other is a miss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from harness.cells.feeding import Input, expected_of, inputs_of
from harness.cells.lane import Lane
from harness.cells.subjects import Cell
from harness.detection import Survivor
from harness.effects import fingerprint
from harness.effects.artifacts import ArtifactStore
from harness.effects.planting import Planter
from harness.errors import NoReferenceError
from harness.pure import equivalence
from harness.pure.diagnose import diagnose
from harness.pure.faults import (
    KERAS_FAULTS,
    MODEL_FAULTS,
    NAN_LOST,
    OTHER_ITEM,
    OUTPUT_FAULTS,
    Change,
    Fault,
    Outputs,
    exchange_items,
    lose_nan,
)
from harness.pure.inputs import SPECIAL, InputPlan, Kind, expand, is_odd
from harness.pure.strategies import ORDINARY
from harness.pure.verdict import Verdict
from harness.records import Outcome
from harness.usecases.clean import Clean, judge_clean

ROUTE = "onnx"
"""The route whose artifacts are edited."""
OTHER_ROUTES = ("pb", "tflite")
"""Routes whose outputs alone are tampered with."""
BATCH_ROUTE = "onnx-dynamic-batch"
EXCESSES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""By how much one weight tensor is scaled to find the smallest fault that is detected."""
LOOKED_AT_AGAIN = (
    *(InputPlan(kind=kind, seed=77, scale=(1.0, 100.0)[place % 2]) for place, kind in enumerate(ORDINARY)),
    InputPlan(kind=Kind.NORMAL, seed=78, scale=100.0),
    InputPlan(kind=Kind.UNIFORM, seed=78, scale=100.0),
    InputPlan(kind=Kind.IMAGE, seed=78, scale=100.0),
    InputPlan(kind=Kind.NORMAL, seed=79, scale=4.0),
)
"""Inputs on which a fault that was judged `ok` must change nothing to be called equivalent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One planted fault and what became of it."""

    kind: str
    detected: bool = False
    refused: bool = False
    survivor: Survivor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that was found in one case."""

    case: str
    outcome: Outcome = Outcome.OK
    """The clean artifact's own; nothing is planted where it is not ok."""
    trials: tuple[Trial, ...] = ()
    thresholds: tuple[tuple[float, bool], ...] = ()
    """Excess of a scaled weight tensor, and whether it was detected."""


class Examiner:
    """Plants faults in cases one by one. One per lane: it owns a planter. A context manager that ends it."""

    def __init__(self, lane: Lane, store: ArtifactStore, plans: Sequence[InputPlan]) -> None:
        """Judge on the inputs of `plans`, as a run does; faulty models that take TensorFlow are kept in the store."""
        self._lane = lane
        self._store = store
        self._plans = plans
        self._planter = Planter()

    def __enter__(self) -> Self:
        """Give the examiner."""
        return self

    def __exit__(self, *_reason: object) -> None:
        """End the planter."""
        self._planter.close()

    def examine(self, cell: Cell) -> Findings:
        """Return what was found in one case: faults of models, then those of outputs by every route."""
        clean = judge_clean(self._lane, cell, self._plans)
        if isinstance(clean, Outcome):
            return Findings(case=cell.subject.id, outcome=clean)
        trials = [*self._models(clean), *self._keras(clean), *_nan_trials(self._lane, clean)]
        for other in (clean, *(self._by(cell, route) for route in OTHER_ROUTES)):
            if not isinstance(other, Outcome):
                trials += _output_trials(self._lane, other)
        batch = self._by(cell, BATCH_ROUTE)
        if not isinstance(batch, Outcome):
            trials += _batch_trials(self._lane, batch)
        return Findings(case=clean.case, trials=tuple(trials), thresholds=tuple(self._thresholds(clean)))

    def _by(self, cell: Cell, route: str) -> Clean | Outcome:
        return judge_clean(self._lane, replace(cell, route=route), self._plans)

    def _models(self, clean: Clean) -> Iterator[Trial]:
        for fault in MODEL_FAULTS:
            with self._store.scratch() as scratch:
                model = scratch / clean.artifact.model.name
                change = self._planter.plant(clean.artifact.model, fault.kind, clean.case, model)
                if change is not None:
                    yield _trial(self._lane, clean, fault, change, model)

    def _thresholds(self, clean: Clean) -> Iterator[tuple[float, bool]]:
        for excess in EXCESSES:
            with self._store.scratch() as scratch:
                model = scratch / clean.artifact.model.name
                change = self._planter.plant(clean.artifact.model, f"weights-scaled={excess!r}", clean.case, model)
                if change is not None:
                    verdict, _ = _judged(self._lane, clean, model)
                    if verdict is not None:
                        yield excess, verdict.outcome is not Outcome.OK

    def _keras(self, clean: Clean) -> Iterator[Trial]:
        for fault in KERAS_FAULTS:
            folder = self._built(clean, fault.kind)
            change = (folder / "change.txt").read_text()
            if change:
                yield _trial(self._lane, clean, fault, change, folder / clean.artifact.model.name)

    def _built(self, clean: Clean, kind: str) -> Path:
        """Return the stored folder of a model that was built with a fault; building it takes TensorFlow."""
        opset = "" if clean.opset is None else f"opset {clean.opset}"
        key = fingerprint.combine(clean.artifact.key, fingerprint.faults(), kind, opset)
        folder = self._store.get("faulty", key)
        if folder is None:
            with self._store.lock("faulty", key), self._store.scratch() as scratch:
                entry = scratch / "entry"
                entry.mkdir()
                model = entry / clean.artifact.model.name
                change = self._planter.plant_in_keras(clean.cell.subject.source, clean.opset, kind, model)
                (entry / "change.txt").write_text(change or "")
                folder = self._store.put("faulty", key, entry)
        return folder


Faulty = Callable[[Sequence[Input], Outputs], Outputs]
"""What a fault makes of inputs; given the sound outputs as well."""


# -- faults -----------------------------------------------------------------------------------------------------------


def _judged(lane: Lane, clean: Clean, model: Path) -> tuple[Verdict | None, Outputs]:
    """Return the verdict on a faulty model and its outputs; no verdict where OpenCV does not get through."""
    observed = lane.observe(clean.cell, replace(clean.artifact, model=model), clean.inputs)
    if diagnose(observed.observation) is not None:
        return None, ()
    return clean.weigh(observed.outputs), observed.outputs


def _trial(lane: Lane, clean: Clean, fault: Fault, change: str, model: Path) -> Trial:
    verdict, outputs = _judged(lane, clean, model)
    if verdict is None:
        return Trial(kind=fault.kind, refused=True)
    if verdict.outcome is not Outcome.OK:
        return Trial(kind=fault.kind, detected=True)

    def faulty(inputs: Sequence[Input]) -> Outputs:
        return lane.observe(clean.cell, replace(clean.artifact, model=model), inputs).outputs

    return _survived(lane, clean, fault, change, outputs, lambda inputs, _sound: faulty(inputs))


def _output_trials(lane: Lane, clean: Clean) -> Iterator[Trial]:
    for fault, change in OUTPUT_FAULTS.items():
        changed = change(clean.outputs)
        if not _is_same(changed, clean.outputs):
            yield _output_trial(lane, clean, fault, changed, _tampering(change))


def _tampering(change: Change) -> Faulty:
    return lambda _inputs, sound: change(sound)


def _batch_trials(lane: Lane, clean: Clean) -> Iterator[Trial]:
    def change(inputs: Sequence[Input], sound: Outputs) -> Outputs:
        pairs = zip(inputs, sound, strict=True)
        return [exchange_items([arrays])[0] if given.batch_of else arrays for given, arrays in pairs]

    yield _output_trial(lane, clean, OTHER_ITEM, change(clean.inputs, clean.outputs), change)


def _nan_trials(lane: Lane, clean: Clean) -> Iterator[Trial]:
    """Lose NaN on an input that holds one; only where OpenCV itself keeps it all the way, as TensorFlow does."""
    given = _with_nan(clean)
    if given is None:
        return
    try:
        references = (*clean.references, *lane.library.references(clean.cell.subject, clean.artifact, [given.keras]))
    except NoReferenceError:
        return
    outputs = lane.observe(clean.cell, clean.artifact, (given,)).outputs
    if not outputs or not any(np.isnan(array).any() for array in outputs[0] if array.dtype.kind == "f"):
        return
    sound = replace(clean, inputs=(*clean.inputs, given), references=references, outputs=(*clean.outputs, *outputs))
    if sound.weigh(sound.outputs).outcome is Outcome.OK:
        yield _output_trial(lane, sound, NAN_LOST, lose_nan(sound.outputs), lambda _inputs, found: lose_nan(found))


def _with_nan(clean: Clean) -> Input | None:
    """Return the input that NaN is tried with, or None where no tensor takes one."""
    plan = next(special for special in SPECIAL if special.kind is Kind.NAN)
    arrays = expand(plan, [port.tensor for port in clean.artifact.manifest.inputs])
    return Input(name=str(plan), keras=arrays, opencv=arrays) if any(is_odd(plan, array) for array in arrays) else None


def _output_trial(lane: Lane, clean: Clean, fault: Fault, changed: Outputs, faulty: Faulty) -> Trial:
    if clean.weigh(changed).outcome is not Outcome.OK:
        return Trial(kind=fault.kind, detected=True)
    return _survived(lane, clean, fault, "", changed, faulty)


def _is_same(changed: Outputs, sound: Outputs) -> bool:
    """Whether a fault found nothing that it could change."""
    return all(a is b for one, other in zip(changed, sound, strict=True) for a, b in zip(one, other, strict=True))


def _survived(lane: Lane, clean: Clean, fault: Fault, change: str, changed: Outputs, faulty: Faulty) -> Trial:
    """Look again at a fault that was judged ok: what it changes on the run's inputs, and on others."""
    expected = list(expected_of(clean.inputs, clean.references))
    known = equivalence.rounding(clean.outputs, expected)
    run = equivalence.measure([given.name for given in clean.inputs], clean.outputs, changed, known)
    others = tuple(inputs_of(replace(clean.cell.subject, picture=None), clean.artifact, LOOKED_AT_AGAIN))
    alone = [given.keras for given in others if not given.batch_of]
    best = list(expected_of(others, lane.library.references(clean.cell.subject, clean.artifact, alone)))
    sound = lane.observe(clean.cell, clean.artifact, others).outputs
    explained = equivalence.rounding(sound, best)
    again = equivalence.measure([given.name for given in others], sound, faulty(others, sound), explained)
    survivor = Survivor(
        case=clean.case,
        route=clean.cell.route,
        kind=fault.kind,
        change=change or fault.meaning,
        equivalent=run.is_none and again.is_none,
        reason=equivalence.reason(run, again, fault.idle),
    )
    return Trial(kind=fault.kind, survivor=survivor)
