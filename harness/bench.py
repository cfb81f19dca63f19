"""Parts of a failing network on the workbench: each exported by the cell's own route, run, and held to TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.compare import Difference, compare_output
from harness.diagnose import Failure, diagnose
from harness.errors import HarnessError
from harness.inputs import Array
from harness.library import Library
from harness.observing import OpenCV
from harness.records import Outcome
from harness.sources import Cut
from harness.subjects import Subject
from harness.tolerance import SINGLE, Reference, scale_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The input that shows the failure: the model's own tensors by name."""

    name: str
    """The input plan, as one line."""
    arrays: dict[str, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a part of a network did."""

    outcome: Outcome
    differences: tuple[Difference, ...] = ()
    failure: Failure | None = None
    """What stopped it; None where it ran."""
    message: str | None = None
    """Why it could not be exported; None where it could."""

    @property
    def worst(self) -> Difference | None:
        """The output that is farthest off, one of another shape first; None where nothing was compared."""
        return max(self.differences, key=lambda found: (not found.same_shape, found.margin), default=None)


class Bench:
    """One model, by one route at one opset, in one worker: any part of it can be run on its own."""

    def __init__(
        self,
        library: Library,
        worker: OpenCV,
        subject: Subject,
        route: str,
        opset: int | None,
        given: Given,
        device: float = SINGLE,
    ) -> None:
        """`device` is the unit roundoff of what the worker computes with."""
        self.library = library
        self.subject = subject
        self.given = given
        self._worker = worker
        self._route = route
        self._opset = opset
        self._device = device
        self._tried: dict[Cut, Tried] = {}

    def run(self, cut: Cut, arrays: dict[str, Array] | None = None) -> Tried:
        """Export a part by the route, run it on `arrays` (the given ones, unless said) and compare; each cut once."""
        if cut not in self._tried:
            self._tried[cut] = self._run(cut, self.given.arrays if arrays is None else arrays)
        return self._tried[cut]

    def reaching(self, tensors: Sequence[str], own: Sequence[str]) -> dict[str, Array]:
        """Return the tensors that reach a part in TensorFlow, by name, beside the network's `own` inputs.

        Raises HarnessError where they cannot be computed.
        """
        inner = tuple(dict.fromkeys(name for name in tensors if name not in own))
        if not inner:
            return self.given.arrays
        subject = self.subject.part(Cut(outputs=inner))
        wanted = self.library.info(subject).inputs
        values = self.library.values(subject, [self.given.arrays[spec.name] for spec in wanted])
        return {**self.given.arrays, **dict(zip(inner, values, strict=True))}

    def _run(self, cut: Cut, arrays: dict[str, Array]) -> Tried:
        subject = self.subject.part(cut)
        try:
            artifact = self.library.artifact(subject, self._route, self._opset)
        except HarnessError as error:
            return Tried(outcome=Outcome.EXPORT_FAILED, message=str(error))
        feed = [arrays[port.tensor.name] for port in artifact.manifest.inputs]
        observed = self._worker.observe(artifact.manifest, artifact.model, [feed])
        failure = diagnose(observed.observation)
        if failure is not None:
            return Tried(outcome=failure.outcome, failure=failure)
        references = _with_scale(self.library.references(subject, artifact, [feed])[0])
        differences = tuple(
            compare_output(got, reference, self.given.name, device=self._device)
            for got, reference in zip(observed.outputs[0], references, strict=True)
        )
        worst = Tried(outcome=Outcome.OK, differences=differences).worst
        outcome = Outcome.OK if worst is None or worst.passed else outcome_of(worst)
        return Tried(outcome=outcome, differences=differences)


def outcome_of(difference: Difference) -> Outcome:
    """Return what a difference beyond the tolerance is called."""
    return Outcome.MISMATCH if difference.same_shape else Outcome.WRONG_SHAPE


def _with_scale(taps: Sequence[Reference]) -> list[Reference]:
    """Give taps that are zero throughout, which have no scale on this one input, that of the smallest other one."""
    least = min((scale for scale in map(scale_of, taps) if scale), default=0.0)
    return [tap if np.any(tap.best) else replace(tap, usual=least) for tap in taps]
