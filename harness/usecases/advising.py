"""What helps where a model fails: other ways to write its failing layers, each of them run. Nothing untried is told.

A way is first tried in the layer alone, on what really reaches it. What works there goes into the whole network,
for all failing layers at once, and that is judged like any other cell: against the model as it was written.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.cells.lane import Lane
from harness.cells.layerwise import Layerwise
from harness.cells.subjects import Cell
from harness.errors import HarnessError
from harness.pure.inputs import Array, InputPlan, expand
from harness.records import LayerVerdict, Outcome, Record
from harness.sources import Rewrite
from harness.suggestions import Suggestion

_ROUNDING = 1e-5
"""In shares of an output's largest value: what two orders of the same sums differ by."""
_CANCELLED = 100
"""In tolerances of the original: what they differ by where values cancel, as in determinants; it is told."""
_MOST_LAYERS = 12
_MOST_WAYS = 6
"""For one layer: later ones are seldom what the first ones are not, and each costs an export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A way that works in a layer alone."""

    layers: tuple[str, ...]
    """The layers of one kind that it was found for."""
    suggestion: Suggestion

    @property
    def rewrites(self) -> Iterator[Rewrite]:
        """The changes that it means."""
        return (Rewrite(layer=layer, way=self.suggestion.way) for layer in self.layers)


class Advisor:
    """Looks for other ways through one failing cell."""

    def __init__(self, lane: Lane, cell: Cell, record: Record, plans: Sequence[InputPlan]) -> None:
        self._lane = lane
        self._cell = cell
        self._record = record
        self._plans = plans

    def advice(self) -> tuple[str, ...]:
        """Return what was tried and works, each a text of its own: the change, its code, and what it came to."""
        try:
            found = [best for verdict in self._failing() if (best := self._best(verdict)) is not None]
            return tuple(self._told(found)) if found else ()
        except HarnessError:  # no Keras layers, or a model that cannot be taken apart: then there are no ways
            return ()

    def _failing(self) -> list[LayerVerdict]:
        failing = [one for one in self._record.layers or () if one.outcome is not Outcome.OK]
        return failing[:_MOST_LAYERS]

    def _best(self, verdict: LayerVerdict) -> _Found | None:
        """Return the first way to write a failing layer that loads and matches alone; exact ones come first.

        A layer within another may be written anew as a part of that.
        """
        names = verdict.name.split("/")
        enclosing = ["/".join(names[:count]) for count in range(len(names), 0, -1)]
        offered = self._lane.library.suggestions(self._cell.subject, enclosing)
        for suggestion in offered[:_MOST_WAYS]:
            like = verdict.like if suggestion.layer == verdict.name else ()
            found = _Found(layers=(suggestion.layer, *like), suggestion=suggestion)
            if self._works_alone(suggestion):
                return found
        return None

    def _works_alone(self, suggestion: Suggestion) -> bool:
        rewrite = Rewrite(layer=suggestion.layer, way=suggestion.way)
        subject = self._cell.subject.rewritten((rewrite,), by_itself=True)
        try:
            record = replace(self._record, artifact=None)  # the input is the same, the artifact another
            layerwise = Layerwise(self._lane.bench(record, replace(self._cell, subject=subject), self._plans))
            kinds = [kind for kind in layerwise.kinds if suggestion.layer in (kind.layer, *kind.like)]
            verdicts = list(layerwise.verdicts(kinds))
        except HarnessError:
            return False
        return bool(verdicts) and all(verdict.outcome is Outcome.OK for verdict in verdicts)

    def _told(self, found: Sequence[_Found]) -> Iterator[str]:
        """Yield each change, with what it came to in the whole network, together with all the others."""
        rewrites = [rewrite for one in found for rewrite in one.rewrites]
        record = self._judged(rewrites, by_itself=False)
        difference = None
        if record.outcome is Outcome.MISMATCH:
            difference = self._difference(rewrites)
            if difference is not None and self._is_near(difference, record, found):
                record = self._judged(rewrites, by_itself=True)
        yield from (self._sentence(one, record, len(rewrites), difference) for one in found)

    def _is_near(self, difference: tuple[float, float], record: Record, found: Sequence[_Found]) -> bool:
        """Whether rewritten layers give what they promise: the original's numbers, or as near as they say."""
        allowed = record.parity.allowed if record.parity is not None else 0.0
        bar = max(_ROUNDING, *(one.suggestion.bar for one in found))
        return difference[1] <= bar or difference[0] <= _CANCELLED * allowed

    def _judged(self, rewrites: Sequence[Rewrite], *, by_itself: bool) -> Record:
        subject = self._cell.subject.rewritten(rewrites, by_itself=by_itself)
        return self._lane.judge(replace(self._cell, subject=subject), self._plans, properties=False, locate=False)

    def _difference(self, rewrites: Sequence[Rewrite]) -> tuple[float, float] | None:
        """Return how far the rewritten model is from the original in TensorFlow, and in shares of its largest value."""
        library, subject = self._lane.library, self._cell.subject
        specs = library.info(subject).inputs
        feeds = [expand(item, specs) for plan in self._plans for item in plan.each[:1]]
        # One model after the other: the exporter keeps one open.
        originals = [library.values(subject, feed) for feed in feeds]
        others = [library.values(subject.rewritten(rewrites), feed) for feed in feeds]
        pairs = zip(itertools.chain(*originals), itertools.chain(*others), strict=True)
        worst = max((_apart(original, other) for original, other in pairs), key=lambda pair: pair[1])
        return worst if np.isfinite(worst[1]) else None

    def _sentence(self, one: _Found, record: Record, count: int, difference: tuple[float, float] | None) -> str:
        suggestion = one.suggestion
        names = ", ".join(map(repr, one.layers))
        what = suggestion.operation or f"layer {names} ({suggestion.class_})"
        where = f" in layer {names} ({suggestion.class_})" if suggestion.operation else ""
        return (
            f"instead of {what}{where}: {suggestion.says}; {self._evidence(record, count, difference)}\n"
            f"{suggestion.code}"
        )

    def _evidence(self, record: Record, count: int, difference: tuple[float, float] | None) -> str:
        target, route = self._cell.target, self._cell.route
        place = f"on OpenCV {target.opencv} by route {route}"
        if record.outcome is not Outcome.OK:
            layer = f" at layer {record.layer!r}" if record.layer else ""
            return f"alone it loads and matches {place}; the whole network is then still {record.outcome}{layer}"
        changes = "with this change" if count == 1 else f"with all {count} changes"
        median = f", {record.latency.forward_ms.median:.3g} ms a forward pass" if record.latency else ""
        if difference is not None:
            near = (
                f"it differs from the original by up to {difference[0]:.2g} ({difference[1]:.1g} of its largest value)"
            )
            return f"{changes} the network loads and matches its own numbers {place}, and {near}{median}"
        error = ""
        if record.parity is not None and record.parity.max_abs is not None:
            error = f" (off by {record.parity.max_abs:.2g} of {record.parity.allowed:.2g} allowed)"
        return f"{changes} the network loads and gives the original's numbers{error} {place}{median}"


def _apart(original: Array, other: Array) -> tuple[float, float]:
    """Return the largest difference where the original is finite, and that in shares of its largest value."""
    one, two = original.astype(np.float64), other.astype(np.float64)
    known = np.isfinite(one)
    if not known.any():
        return 0.0, 0.0
    off, largest = float(np.abs(one[known] - two[known]).max()), float(np.abs(one[known]).max())
    if not np.isfinite(off):
        return np.inf, np.inf
    return off, off / largest if largest else (np.inf if off else 0.0)
