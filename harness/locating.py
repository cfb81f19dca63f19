"""Finding the layer to blame: where a network's numbers first leave TensorFlow's, or where it stops.

Taps are outputs of a cut network (`export/cutting.py`), exported by the same route and compared like every other
output. They keep OpenCV from fusing across them; what shows only in the fused network is found by shortening it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness import winograd
from harness.anatomy import Anatomy, Part
from harness.compare import Difference, compare_output
from harness.diagnose import diagnose
from harness.errors import HarnessError
from harness.evidence import Culprit
from harness.inputs import Array
from harness.library import Library
from harness.observing import OpenCV
from harness.records import Outcome, Record, Stage, finite
from harness.routes import Needs, Route
from harness.sources import Cut, SourceKind
from harness.subjects import Subject
from harness.tolerance import SINGLE, Reference, scale_of

TAPS_AT_ONCE = 24
"""More would hold whole networks' activations in memory and in the store, in two precisions; a second look narrows."""


_WRONG = frozenset({Outcome.MISMATCH, Outcome.WRONG_SHAPE})
_STOPPED = frozenset({Outcome.CRASH, Outcome.IMPORT_ERROR, Outcome.UNSUPPORTED_OP, Outcome.RUNTIME_ERROR})


def is_to_locate(record: Record, route: Route, kind: SourceKind) -> bool:
    """Whether the layer to blame is to be looked for.

    Wrong results always; a network that stops only where OpenCV's own words name no layer, and by the stock routes only
    when it runs: what they do not even load is the recipe's fault, and dozens of exports would only say so again.
    """
    if not kind.has_graph or route.needs in {Needs.KERAS, Needs.FILE}:
        return False
    stopped = record.outcome in _STOPPED and record.layer is None and (not route.stock or record.stage is Stage.FORWARD)
    return record.outcome in _WRONG or stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The input that shows the failure: the model's own tensors by name."""

    name: str
    """The input plan, as one line."""
    arrays: dict[str, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a cut network did."""

    outcome: Outcome
    differences: tuple[Difference, ...] = ()


class Locator:
    """Looks into one failing cell: a model, by a route at an opset, in one worker."""

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
        self._library = library
        self._worker = worker
        self._subject = subject
        self._route = route
        self._opset = opset
        self._given = given
        self._device = device
        self._anatomy = Anatomy(parts=())
        self._tried: dict[Cut, Tried] = {}

    def find(self, failure: Record) -> Culprit | None:
        """Return the layer at which the cell of a failing record goes wrong; None where none can be told."""
        try:
            self._anatomy = self._library.anatomy(self._subject)
            if len(self._anatomy.parts) == 1:
                return self._culprit(0, failure.outcome, "it is the network's only layer", None)
            if not self._anatomy.parts:
                return None
            found = self._first_beyond_rounding(failure) if failure.stage is Stage.COMPARE else None
            return found or self._shortest_failing(failure)
        except HarnessError:  # no TensorFlow graph, or one that cannot be cut: then nobody can tell
            return None

    # -- by taps ------------------------------------------------------------------------------------------------

    def _first_beyond_rounding(self, failure: Record) -> Culprit | None:
        """Return the first layer that differs by more than Winograd's rounding, or else the first that differs."""
        found = self._first_differing(winograd.AMPLIFICATION) if winograd.concerns(failure.ops) else None
        return found or self._first_differing(1.0)

    def _first_differing(self, most: float) -> Culprit | None:
        """Compare layers' outputs in the order of their work; the first that is off by more than `most` tolerances."""
        waiting = [place for place, part in enumerate(self._anatomy.parts) if part.taps]
        while waiting:
            chosen = spread(waiting, TAPS_AT_ONCE)
            tried = self._run(Cut(outputs=tuple(tap for place in chosen for tap in self._anatomy.parts[place].taps)))
            if not tried.differences:
                return None  # it does not even load with taps
            differing = self._differing(chosen, tried.differences, most)
            if differing is None:
                return None
            place, worst = differing
            right = max((other for other in chosen if other < place), default=-1)
            between = [other for other in waiting if right < other < place]
            if not between:
                how = f"the first of {len(self._anatomy.parts)} layers whose output differs, in the order of their work"
                return self._culprit(place, _outcome_of(worst), how, worst)
            waiting = [*between, place]
        return None

    def _differing(
        self, chosen: Sequence[int], differences: Sequence[Difference], most: float
    ) -> tuple[int, Difference] | None:
        """Return the first of the tapped parts with a wrong output, and its worst one."""
        left = list(differences)
        for place in chosen:
            own = [left.pop(0) for _ in self._anatomy.parts[place].taps]
            wrong = [difference for difference in own if not difference.same_shape or difference.margin > most]
            if wrong:
                return place, max(wrong, key=lambda difference: (not difference.same_shape, difference.margin))
        return None

    # -- by shortening ------------------------------------------------------------------------------------------

    def _shortest_failing(self, failure: Record) -> Culprit | None:
        """Find a layer such that the network up to it fails as the whole does, and up to none of its sources."""
        parts = self._anatomy.parts
        taken = {place for part in parts for place in part.after}
        ends = [place for place, part in enumerate(parts) if place not in taken or part.gives]
        end = next((place for place in ends if self._fails(place, failure)), None)
        while end is not None:
            chain = self._anatomy.chain_to(end)
            low, high = 0, len(chain) - 1  # chain[high] fails
            while low < high:
                middle = (low + high) // 2
                if self._fails(chain[middle], failure):
                    high = middle
                else:
                    low = middle + 1
            place = chain[high]
            aside = next((other for other in parts[place].after if self._fails(other, failure)), None)
            if aside is None:
                tried = self._run(Cut(outputs=parts[place].taps))
                worst = max(tried.differences, key=lambda difference: difference.margin, default=None)
                how = "the network up to this layer fails, and up to none of the layers it takes from"
                return self._culprit(place, tried.outcome, how, worst)
            end = aside
        return None

    def _fails(self, place: int, failure: Record) -> bool:
        """Whether the network that ends with a part fails as the whole one does."""
        taps = self._anatomy.parts[place].taps
        if not taps:
            return False
        outcome = self._run(Cut(outputs=taps)).outcome
        return outcome == failure.outcome or (outcome in _WRONG and failure.outcome in _WRONG)

    # -- alone --------------------------------------------------------------------------------------------------

    def _culprit(self, place: int, outcome: Outcome, how: str, worst: Difference | None) -> Culprit:
        part = self._anatomy.parts[place]
        return Culprit(
            layer=part.layer,
            class_=part.class_,
            config=part.config,
            outcome=outcome,
            how=how,
            input=self._given.name,
            max_abs=finite(worst.max_abs) if worst is not None else None,
            allowed=worst.tolerance.allowed if worst is not None else None,
            alone=self._alone(part) if len(self._anatomy.parts) > 1 else None,
        )

    def _alone(self, part: Part) -> str | None:
        """Run the layer by itself on the tensors that reach it in TensorFlow; None where it cannot be cut out."""
        if not part.taps:
            return None
        try:
            arrays = self._reaching(part)
            return self._run(Cut(outputs=part.taps, inputs=part.inputs), arrays).outcome
        except HarnessError:
            return None

    def _reaching(self, part: Part) -> dict[str, Array]:
        """Return the tensors that reach a part, by name."""
        inner = tuple(name for name in part.inputs if name not in self._anatomy.inputs)
        if not inner:
            return self._given.arrays
        subject = self._subject.part(Cut(outputs=inner))
        wanted = self._library.info(subject).inputs
        values = self._library.values(subject, [[self._given.arrays[spec.name] for spec in wanted]])[0]
        return {**self._given.arrays, **dict(zip(inner, values, strict=True))}

    # -- running ------------------------------------------------------------------------------------------------

    def _run(self, cut: Cut, arrays: dict[str, Array] | None = None) -> Tried:
        """Export a part by the cell's route, run it and compare it."""
        if cut not in self._tried:
            self._tried[cut] = self._run_anew(cut, self._given.arrays if arrays is None else arrays)
        return self._tried[cut]

    def _run_anew(self, cut: Cut, arrays: dict[str, Array]) -> Tried:
        subject = self._subject.part(cut)
        try:
            artifact = self._library.artifact(subject, self._route, self._opset)
        except HarnessError:
            return Tried(outcome=Outcome.EXPORT_FAILED)
        feed = [arrays[port.tensor.name] for port in artifact.manifest.inputs]
        observed = self._worker.observe(artifact.manifest, artifact.model, [feed])
        failure = diagnose(observed.observation)
        if failure is not None:
            return Tried(outcome=failure.outcome)
        references = _with_scale(self._library.references(subject, artifact, [feed])[0])
        differences = tuple(
            compare_output(got, reference, self._given.name, device=self._device)
            for got, reference in zip(observed.outputs[0], references, strict=True)
        )
        worst = max(differences, key=lambda difference: (not difference.same_shape, difference.margin))
        return Tried(outcome=Outcome.OK if worst.passed else _outcome_of(worst), differences=differences)


def _with_scale(taps: Sequence[Reference]) -> list[Reference]:
    """Give taps that are zero throughout, which have no scale on this one input, that of the smallest other one."""
    least = min((scale for scale in map(scale_of, taps) if scale), default=0.0)
    return [tap if np.any(tap.best) else replace(tap, usual=least) for tap in taps]


def _outcome_of(difference: Difference) -> Outcome:
    return Outcome.MISMATCH if difference.same_shape else Outcome.WRONG_SHAPE


def spread(places: Sequence[int], most: int) -> list[int]:
    """Return at most so many of the places, evenly spread, the last one among them."""
    if len(places) <= most:
        return list(places)
    step = len(places) / most
    return [places[min(round((index + 1) * step), len(places)) - 1] for index in range(most)]
