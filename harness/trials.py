"""Runs what the properties ask for, on the network that a worker has just run, and has it judged by `steadiness`.

Once per cell: a reload costs a load. Effects only; every failure becomes a finding, nothing is raised for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.blobs import Feed
from harness.diagnose import Failure, diagnose
from harness.errors import HarnessError
from harness.inputs import SPECIAL, Array, expand, is_odd
from harness.library import Artifact
from harness.observing import Observed, OpenCV, Run
from harness.properties import Name
from harness.steadiness import Finding, of_kind, repeated, special, tolerances
from harness.tolerance import Reference

References = Callable[[Sequence[Sequence[Array]]], Sequence[Sequence[Reference]]]
"""TensorFlow's outputs for some feeds. Raises HarnessError where it has none."""

_THREADS = (1, 2)
"""What a worker runs with (`OpenCV.threads`), and what it is tried with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One input of a cell, as both sides were given it."""

    keras: tuple[Array, ...]
    opencv: Feed
    batch_of: tuple[int, ...] = ()
    """For several inputs at once: which."""


def try_properties(
    worker: OpenCV,
    artifact: Artifact,
    inputs: Sequence[Tried],
    observed: Observed,
    references: References,
    *,
    agrees: bool,
) -> tuple[Finding, ...]:
    """Try every property that applies; `observed` is what the worker saw when it ran `inputs` a moment ago.

    Only a network that agrees on ordinary inputs is tried on odd ones.
    """
    return tuple(_Trials(worker, artifact, inputs, observed, references).findings(specials=agrees))


class _Trials:
    """The properties of one cell, tried one after another."""

    def __init__(
        self,
        worker: OpenCV,
        artifact: Artifact,
        inputs: Sequence[Tried],
        observed: Observed,
        references: References,
    ) -> None:
        self._worker = worker
        self._artifact = artifact
        self._inputs = inputs
        self._observed = observed
        self._references = references
        self._run: Run | None = worker.resume(artifact.manifest, observed.observation)

    def findings(self, *, specials: bool) -> Iterator[Finding]:
        first = self._inputs[0]
        allowed = self._allowed([first])
        yield from self._batches()
        yield from self._repetitions(first, allowed)
        if specials and allowed is not None:
            yield from self._specials(allowed)

    def _allowed(self, inputs: Sequence[Tried]) -> list[float] | None:
        try:
            return tolerances(self._references([given.keras for given in inputs]))
        except HarnessError:  # the verdict says so already
            return None

    def _batches(self) -> Iterator[Finding]:
        """Yield one finding for all batches: the first that is not what its items are, else the last."""
        found = None
        for given, wide in zip(self._inputs, self._observed.outputs, strict=True):
            if given.batch_of and (found is None or found.held):
                items = [self._observed.outputs[item] for item in given.batch_of]
                alone = [np.concatenate(column) for column in zip(*items, strict=True)]
                allowed = self._allowed([self._inputs[item] for item in given.batch_of])
                found = repeated(Name.BATCH, alone, wide, allowed)
        if found is not None:
            yield found

    def _repetitions(self, first: Tried, allowed: Sequence[float] | None) -> Iterator[Finding]:
        then = self._observed.outputs[0]
        again = self._forward(first.opencv)
        yield repeated(Name.FIRST_AGAIN, then, again, allowed)
        before = then if isinstance(again, Failure) else again
        yield repeated(Name.SAME_BITS_TWICE, before, self._forward(first.opencv), allowed)
        if len(first.opencv) > 1:
            turned = self._forward(first.opencv, last_first=True)
            yield repeated(Name.INPUT_ORDER, before, turned, allowed)
        self._run = self._begin()
        yield repeated(Name.RELOAD, before, self._forward(first.opencv), allowed)
        one, two = _THREADS
        self._run = self._run or self._begin()
        if self._run.threads(two) == two:
            yield repeated(Name.THREADS, before, self._forward(first.opencv), allowed)
        if self._run is not None:  # a worker that ended meanwhile starts with one thread again
            self._run.threads(one)

    def _specials(self, allowed: Sequence[float]) -> Iterator[Finding]:
        specs = [port.tensor for port in self._artifact.manifest.inputs]
        wanted = [(plan, expand(plan, specs)) for plan in SPECIAL]
        wanted = [(plan, arrays) for plan, arrays in wanted if any(is_odd(plan, array) for array in arrays)]
        try:
            references = self._references([arrays for _, arrays in wanted])
        except HarnessError:  # TensorFlow itself refuses such values, or ends: there is nothing to compare with
            return
        for (plan, arrays), expected in zip(wanted, references, strict=True):
            yield special(of_kind(plan.kind), self._forward(arrays), expected, allowed)

    def _forward(self, feed: Feed, *, last_first: bool = False) -> tuple[Array, ...] | Failure:
        """Run a feed, on a network loaded anew where the last run failed and was told of."""
        if self._run is None:
            self._run = self._begin()
        self._run.forward(0, 1, feed, last_first=last_first)
        seen = self._run.observed()
        failure = diagnose(seen.observation)
        if failure is not None:
            self._run = None
            return failure
        return seen.outputs[-1]

    def _begin(self) -> Run:
        return self._worker.begin(self._artifact.manifest, self._artifact.model)
