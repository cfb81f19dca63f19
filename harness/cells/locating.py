"""Finding the layer to blame: where a network's numbers first leave TensorFlow's, or where it stops.

Taps are outputs of a cut network (`export/cutting.py`), exported by the same route and compared like every other
output. They keep OpenCV from fusing across them; what shows only in the fused network is found by shortening it.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.anatomy import Anatomy, Part
from harness.cells.bench import Bench, outcome_of
from harness.encoding import finite
from harness.errors import HarnessError
from harness.evidence import Culprit, Node
from harness.properties import Name
from harness.pure import winograd
from harness.pure.compare import Difference
from harness.pure.steadiness import WRONG
from harness.records import Outcome, Record, Stage
from harness.routes import Needs, Route
from harness.sources import Cut, SourceKind

TAPS_AT_ONCE = 24
"""More would hold whole networks' activations in memory and in the store, in two precisions; a second look narrows."""


_STOPPED = frozenset({Outcome.CRASH, Outcome.IMPORT_ERROR, Outcome.UNSUPPORTED_OP, Outcome.RUNTIME_ERROR})
FAILURES = WRONG | _STOPPED | {Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.NONDETERMINISTIC}
"""Outcomes for which some layer is to blame, found or not."""


def is_to_locate(record: Record, route: Route, kind: SourceKind) -> bool:
    """Whether the layer to blame is to be looked for.

    Wrong results always, those of several threads too; a network that stops only where OpenCV's own words name no
    layer, and by the stock routes only when it runs: what they do not even load is the recipe's fault, and dozens of
    exports would only say so again.
    """
    if not kind.has_graph or route.needs in {Needs.KERAS, Needs.FILE}:
        return False
    stopped = record.outcome in _STOPPED and record.layer is None and (not route.stock or record.stage is Stage.FORWARD)
    return record.outcome in WRONG or stopped or is_wrong_in_threads(record)


def is_wrong_in_threads(record: Record) -> bool:
    """Whether a network computes with one thread what it should, and with several something else."""
    broken = {found.name for found in record.properties if not found.held}
    return record.outcome is Outcome.NONDETERMINISTIC and Name.THREADS in broken


class Locator:
    """Looks into one failing cell."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._anatomy = Anatomy(parts=())

    @property
    def nodes(self) -> tuple[Node, ...] | None:
        """The network as its picture needs it; None before it was taken apart, and where there is nothing to draw."""
        return self._anatomy.nodes if len(self._anatomy.parts) > 1 else None

    def find(self, failure: Record) -> Culprit | None:
        """Return the layer at which the cell of a failing record goes wrong; None where none can be told."""
        try:
            self._anatomy = self._bench.library.anatomy(self._bench.subject)
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
            taps = tuple(tap for place in chosen for tap in self._anatomy.parts[place].taps)
            tried = self._bench.run(Cut(outputs=taps))
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
                return self._culprit(place, outcome_of(worst), how, worst)
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
                tried = self._bench.run(Cut(outputs=parts[place].taps))
                how = "the network up to this layer fails, and up to none of the layers it takes from"
                return self._culprit(place, tried.outcome, how, tried.worst)
            end = aside
        return None

    def _fails(self, place: int, failure: Record) -> bool:
        """Whether the network that ends with a part fails as the whole one does."""
        taps = self._anatomy.parts[place].taps
        if not taps:
            return False
        outcome = self._bench.run(Cut(outputs=taps)).outcome
        return outcome == failure.outcome or (outcome in WRONG and failure.stage is Stage.COMPARE)

    # -- alone --------------------------------------------------------------------------------------------------

    def _culprit(self, place: int, outcome: Outcome, how: str, worst: Difference | None) -> Culprit:
        part = self._anatomy.parts[place]
        return Culprit(
            layer=part.layer,
            class_=part.class_,
            config=part.config,
            outcome=outcome,
            how=how,
            input=self._bench.given.name,
            max_abs=finite(worst.max_abs) if worst is not None else None,
            allowed=worst.tolerance.allowed if worst is not None else None,
            alone=self._alone(part) if len(self._anatomy.parts) > 1 else None,
        )

    def _alone(self, part: Part) -> str | None:
        """Run the layer by itself on the tensors that reach it in TensorFlow; None where it cannot be cut out."""
        if not part.taps:
            return None
        try:
            arrays = self._bench.reaching(part.inputs, self._anatomy.inputs)
            return self._bench.run(Cut(outputs=part.taps, inputs=part.inputs), arrays).outcome
        except HarnessError:
            return None


def spread(places: Sequence[int], most: int) -> list[int]:
    """Return at most so many of the places, evenly spread, the last one among them."""
    if len(places) <= most:
        return list(places)
    step = len(places) / most
    return [places[min(round((index + 1) * step), len(places)) - 1] for index in range(most)]
