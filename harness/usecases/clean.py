"""Sound cells: what a run judges `ok`, with all that it rests on, and further inputs on which it must stay so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from harness.cells.feeding import Input, inputs_of
from harness.cells.lane import Lane
from harness.cells.library import Artifact
from harness.cells.subjects import Cell
from harness.cells.weighing import Scales
from harness.detection import FalseAlarm
from harness.errors import ExportFailedError, ModelRejectedError, NoReferenceError
from harness.pure.compare import compare_output, sensitivity
from harness.pure.diagnose import diagnose
from harness.pure.faults import Outputs
from harness.pure.inputs import Array, InputPlan, digest, expand
from harness.pure.strategies import further
from harness.pure.tolerance import Reference
from harness.pure.verdict import Verdict, from_differences
from harness.records import Outcome
from harness.routes import all_routes

_DRAWN_PER_CELL = 8
"""Plans to expand at most for one distinct input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """A sound cell: what it was given, what it gave, and what it should give."""

    cell: Cell
    artifact: Artifact
    opset: int | None
    inputs: tuple[Input, ...]
    outputs: Outputs
    references: tuple[tuple[Reference, ...], ...]

    @property
    def case(self) -> str:
        """Id of the case."""
        return self.cell.subject.id

    def weigh(self, outputs: Outputs) -> Verdict:
        """Return the verdict on outputs for the same inputs: its own, or what a fault made of them."""
        scales = Scales(self.inputs, self.references, self.artifact.manifest.outputs)
        return scales.verdict(scales.differences(outputs))


def judge_clean(lane: Lane, cell: Cell, plans: Sequence[InputPlan]) -> Clean | Outcome:
    """Return a cell as the first opset that works gives it, or the outcome of the route's own where none does."""
    outcomes = []
    for opset in (None, *all_routes()[cell.route].opsets[1:]):
        found = _clean_at(lane, cell, plans, opset)
        if not isinstance(found, Outcome):
            return found
        outcomes.append(found)
    return outcomes[0]


def _clean_at(lane: Lane, cell: Cell, plans: Sequence[InputPlan], opset: int | None) -> Clean | Outcome:
    try:
        artifact = lane.library.artifact(cell.subject, cell.route, opset)
        inputs = tuple(inputs_of(cell.subject, artifact, plans))
        observed = lane.observe(cell, artifact, inputs)
        failure = diagnose(observed.observation)
        if failure is not None:
            return failure.outcome
        alone = [given.keras for given in inputs if not given.batch_of]
        references = lane.library.references(cell.subject, artifact, alone)
    except (ExportFailedError, ModelRejectedError):
        return Outcome.EXPORT_FAILED
    except NoReferenceError:
        return Outcome.NO_REFERENCE
    found = Clean(
        cell=cell,
        artifact=artifact,
        opset=opset,
        inputs=inputs,
        outputs=observed.outputs,
        references=references,
    )
    outcome = found.weigh(found.outputs).outcome
    return found if outcome is Outcome.OK else outcome


def clean_cells(lane: Lane, cell: Cell, plans: Sequence[InputPlan], count: int) -> Iterator[FalseAlarm | None]:
    """Judge `count` further inputs of a clean case, one cell each; yields an alarm, or None where there is none."""
    clean = judge_clean(lane, cell, plans)
    if isinstance(clean, Outcome):  # it was clean a moment ago
        yield _alarm(cell, plans[0], f"{clean} on the usual inputs, which it passed before")
        return
    drawn = _distinct(clean, count)
    inputs = [Input(name=str(plan), keras=arrays, opencv=arrays) for plan, arrays in drawn]
    references = lane.library.references(cell.subject, clean.artifact, [arrays for _, arrays in drawn])
    observed = lane.observe(cell, clean.artifact, inputs)
    failure = diagnose(observed.observation)
    if failure is not None:
        yield _alarm(cell, drawn[len(observed.outputs)][0], failure.message)
    apart = sensitivity(clean.references)
    for (plan, _), outputs, expected in zip(drawn, observed.outputs, references, strict=False):
        differences = [compare_output(got, best, str(plan)) for got, best in zip(outputs, expected, strict=True)]
        verdict = from_differences(differences, inputs=1, sensitivity=apart)
        yield None if verdict.outcome is Outcome.OK else _alarm(cell, plan, verdict.message or verdict.outcome)


def _distinct(clean: Clean, count: int) -> list[tuple[InputPlan, tuple[Array, ...]]]:
    """Return plans with their arrays, no two alike nor like a run's own: a ramp is the same whatever its seed.

    There are fewer than `count` only of a model that knows no more inputs.
    """
    specs = [port.tensor for port in clean.artifact.manifest.inputs]
    seen = {digest(given.keras) for given in clean.inputs if not given.batch_of}
    found: list[tuple[InputPlan, tuple[Array, ...]]] = []
    for plan in islice(further(clean.case), _DRAWN_PER_CELL * count):
        if len(found) == count:
            break
        arrays = expand(plan, specs)
        key = digest(arrays)
        if key not in seen:
            seen.add(key)
            found.append((plan, arrays))
    return found


def _alarm(cell: Cell, plan: InputPlan, message: str) -> FalseAlarm:
    case = cell.subject.id
    command = f"dnn-harness check {case} --route {cell.route} --opencv {cell.environment} --input {plan}"
    return FalseAlarm(case=case, route=cell.route, message=message, reproduce=command)
