"""Parts of a failing network on the workbench: each exported by the cell's own route, run, and held to TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.cells.library import Artifact, Library
from harness.cells.subjects import Subject
from harness.effects.convolving import without_winograd
from harness.effects.network_run import Observed
from harness.effects.observing import OpenCV
from harness.errors import HarnessError, NoReferenceError
from harness.pure import winograd
from harness.pure.compare import Difference, compare_output
from harness.pure.diagnose import Failure, diagnose
from harness.pure.inputs import Array
from harness.pure.tolerance import SINGLE, Reference, scale_of
from harness.records import Outcome
from harness.sources import Cut


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
        threads: int | None = None,
    ) -> None:
        """`device` is the unit roundoff of what the worker computes with, `threads` how many if not as usual."""
        self.library = library
        self.subject = subject
        self.given = given
        self._worker = worker
        self._route = route
        self._opset = opset
        self._device = device
        self._threads = threads
        self._tried: dict[Cut, Tried] = {}
        self._settled: set[Cut] = set()

    def run(self, cut: Cut, arrays: dict[str, Array] | None = None) -> Tried:
        """Export a part by the route, run it on `arrays` (the given ones, unless said) and compare; each cut once."""
        if cut not in self._tried:
            self._tried[cut] = self._run(cut, self.given.arrays if arrays is None else arrays)
        return self._tried[cut]

    def settle(self, cut: Cut, arrays: dict[str, Array]) -> Tried:
        """Run a part, one that fails again in a fresh worker: what ran before must not decide."""
        tried = self.run(cut, arrays)
        if tried.outcome in {Outcome.OK, Outcome.EXPORT_FAILED} or cut in self._settled:
            return tried
        self._worker.renew()
        again = self._run(cut, arrays)
        if again.outcome is not tried.outcome:
            message = f"first {tried.outcome}, then in a fresh worker {again.outcome}"
            again = replace(again, outcome=Outcome.NONDETERMINISTIC, message=message)
        self._tried[cut] = again
        self._settled.add(cut)
        return again

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
        observed = self._worker.observe(artifact.manifest, artifact.model, [feed], threads=self._threads)
        failure = diagnose(observed.observation)
        if failure is not None:
            return Tried(outcome=failure.outcome, failure=failure)
        try:
            references = _with_scale(self.library.references(subject, artifact, [feed])[0])
        except NoReferenceError as error:
            return Tried(outcome=Outcome.NO_REFERENCE, message=str(error))
        differences = self._compare(observed.outputs[0], references)
        worst = Tried(outcome=Outcome.OK, differences=differences).worst
        if worst is None or worst.passed or self._is_winograd(artifact, feed, observed, differences, references):
            return Tried(outcome=Outcome.OK, differences=differences)
        return Tried(outcome=outcome_of(worst), differences=differences)

    def _compare(self, outputs: Sequence[Array], references: Sequence[Reference]) -> tuple[Difference, ...]:
        return tuple(
            compare_output(got, reference, self.given.name, device=self._device)
            for got, reference in zip(outputs, references, strict=True)
        )

    def _is_winograd(
        self,
        artifact: Artifact,
        feed: Sequence[Array],
        observed: Observed,
        differences: Sequence[Difference],
        references: Sequence[Reference],
    ) -> bool:
        """Whether the rounding of OpenCV's fast convolution explains the differences."""
        if not winograd.concerns(artifact.manifest.ops) or not all(one.same_shape for one in differences):
            return False
        plain = without_winograd(self._worker, artifact.manifest, artifact.model, [feed], observed)
        return bool(plain and winograd.explained(differences, self._compare(plain[0], references)))


def outcome_of(difference: Difference) -> Outcome:
    """Return what a difference beyond the tolerance is called."""
    return Outcome.MISMATCH if difference.same_shape else Outcome.WRONG_SHAPE


def _with_scale(taps: Sequence[Reference]) -> list[Reference]:
    """Give taps that are zero throughout, which have no scale on this one input, that of the smallest other one."""
    least = min((scale for scale in map(scale_of, taps) if scale), default=0.0)
    return [tap if np.any(tap.best) else replace(tap, usual=least) for tap in taps]
