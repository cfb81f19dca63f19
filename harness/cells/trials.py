"""Runs what the properties ask for, on the network that a worker has just run, and has it judged by `steadiness`.

Once per cell: a reload costs a load. Effects only; every failure becomes a finding, nothing is raised for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from harness.cells.feeding import Input
from harness.cells.library import Artifact
from harness.effects.network_run import Observed, Run
from harness.effects.observing import OpenCV
from harness.errors import HarnessError
from harness.properties import Name
from harness.pure import winograd
from harness.pure.blobs import Feed
from harness.pure.diagnose import Failure, diagnose
from harness.pure.inputs import SPECIAL, Array, expand, is_odd
from harness.pure.steadiness import Finding, of_kind, repeated, special
from harness.pure.tolerance import Reference

References = Callable[[Sequence[Sequence[Array]]], Sequence[Sequence[Reference]]]
"""TensorFlow's outputs for some feeds. Raises HarnessError where it has none."""

THREADS = 2
"""How many a network is tried with; a worker runs with one."""


class Trials:
    """The properties of one cell, tried one after another on the network that the worker ran a moment ago."""

    def __init__(
        self,
        worker: OpenCV,
        artifact: Artifact,
        inputs: Sequence[Input],
        observed: Observed,
        allowed: Sequence[Sequence[float]],
    ) -> None:
        """`observed` is what the worker saw of `inputs`; `allowed` their tolerances by output, empty where unknown."""
        self._worker = worker
        self._artifact = artifact
        self._inputs = inputs
        self._outputs = observed.outputs
        self._allowed = allowed
        self._run: Run | None = worker.resume(artifact.manifest, observed.observation)

    def repetitions(self) -> Iterator[Finding]:
        """Yield what needs no reference, in the order of `Name`."""
        yield from self._batches()
        first, then = self._inputs[0].opencv, self._outputs[0]
        allowed = self._allowed[0] if self._allowed else None
        again, twice = self._each([first, first])
        yield repeated(Name.FIRST_AGAIN, then, again, allowed)
        yield repeated(Name.SAME_BITS_TWICE, _or(again, then), twice, allowed)
        if len(first) > 1:
            yield repeated(Name.INPUT_ORDER, then, self._forward(first, last_first=True), allowed)
        self._run = self._begin()
        reloaded = self._forward(first)
        yield repeated(Name.RELOAD, then, reloaded, allowed)
        wide = self._forward(first, threads=THREADS)
        if self._run is None or self._run.threads_used == THREADS:
            yield repeated(Name.THREADS, _or(reloaded, then), wide, self._apart(allowed))

    def _apart(self, allowed: Sequence[float] | None) -> Sequence[float] | None:
        """Return how far two right answers may be from each other: each is allowed its tolerance from the truth.

        OpenCV may take its fast convolution for one number of threads and not for another.
        """
        if allowed is None:
            return None
        fast = winograd.AMPLIFICATION if winograd.concerns(self._artifact.manifest.ops) else 1.0
        return [2 * fast * one for one in allowed]

    def _batches(self) -> Iterator[Finding]:
        """Yield one finding for all batches: the first that is not what its items are, else the last."""
        found = None
        for index, given in enumerate(self._inputs):
            if given.batch_of and (found is None or found.held):
                items = [self._outputs[item] for item in given.batch_of]
                alone = [_joined(column) for column in zip(*items, strict=True)]
                allowed = self._allowed[index] if self._allowed else None
                found = repeated(Name.BATCH, alone, self._outputs[index], allowed)
        if found is not None:
            yield found

    def specials(self, references: References) -> Iterator[Finding]:
        """Yield what becomes of odd values, against TensorFlow's own answers."""
        specs = [port.tensor for port in self._artifact.manifest.inputs]
        wanted = [(plan, expand(plan, specs)) for plan in SPECIAL]
        wanted = [(plan, arrays) for plan, arrays in wanted if any(is_odd(plan, array) for array in arrays)]
        try:
            expected = references([arrays for _, arrays in wanted])
        except HarnessError:  # TensorFlow itself refuses such values, or ends: there is nothing to compare with
            return
        outputs = self._each([arrays for _, arrays in wanted])
        for (plan, _), found, answers in zip(wanted, outputs, expected, strict=True):
            yield special(of_kind(plan.kind), found, answers, self._allowed[0])

    def _forward(
        self, feed: Feed, *, last_first: bool = False, threads: int | None = None
    ) -> tuple[Array, ...] | Failure:
        return self._each([feed], last_first=last_first, threads=threads)[0]

    def _each(
        self, feeds: Sequence[Feed], *, last_first: bool = False, threads: int | None = None
    ) -> list[tuple[Array, ...] | Failure]:
        """Run feeds, after one that failed on a network loaded anew."""
        answers: list[tuple[Array, ...] | Failure] = []
        killed = False
        while len(answers) < len(feeds):
            run = self._run = self._run or self._begin()
            before = len(run.observed().outputs)
            run.forward(feeds[len(answers) :], last_first=last_first, threads=threads)
            answers += run.observed().outputs[before:]
            failure = diagnose(run.observed().observation)
            if failure is not None:
                self._run = None
                if failure.signal == "SIGKILL" and not killed:  # from outside: it says nothing of the model
                    killed = True
                else:
                    answers.append(failure)
        return answers

    def _begin(self) -> Run:
        return self._worker.begin(self._artifact.manifest, self._artifact.model)


def _or(outputs: tuple[Array, ...] | Failure, others: tuple[Array, ...]) -> tuple[Array, ...]:
    return others if isinstance(outputs, Failure) else outputs


def _joined(items: Sequence[Array]) -> Array:
    """Return the items' outputs one after another; those that no batch can hold are no array of its shape."""
    if len({(array.shape[1:], array.ndim > 0) for array in items}) > 1 or not items[0].ndim:
        return np.zeros(0)
    return np.concatenate(items)
