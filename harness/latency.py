"""The use case `--latency`: what works, timed again, alone on the machine and beside other runtimes.

Each cell gets a fresh worker. OpenCV, TensorFlow and, for ONNX files, ONNX Runtime take turns on the same weights, input
and number of threads, so that whatever slows the machine slows all. Nothing here costs a verdict.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from harness.anatomy import Anatomy
from harness.beside import TensorFlow
from harness.errors import EnvironmentFailedError, HarnessError
from harness.feeding import Input, inputs_of
from harness.inputs import PROBES
from harness.lane import Lane
from harness.library import Artifact
from harness.observing import Run
from harness.pace import interval, pace
from harness.profiles import profile, with_tensorflow
from harness.records import Outcome, Record
from harness.session import Session
from harness.subjects import Cell, Seat
from harness.timings import Beside, Latency, Profile, Timing
from harness.turns import Passes, in_turns, passes_of, repeats_for, warmed

ROUNDS = 15
_FEWEST = 6
"""Rounds that give an interval at all."""
_CELL_SECONDS = 30.0
"""What all rounds of one cell should take; slow networks get fewer rounds, not fewer runtimes."""
_PROFILED = 40
"""Passes by layer, fewer of a slow network."""
_ONNXRUNTIME = Seat(environment="onnxruntime")
_USUAL_THREADS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """What OpenCV is held against."""

    tensorflow: bool = True
    onnxruntime: bool = True
    layers: bool = True
    """Whether TensorFlow times each layer alone as well, which takes seconds a model."""


def timed(
    session: Session, found: Iterable[tuple[Record, Cell]], step: Callable[[str], None], others: Others
) -> Iterator[Record]:
    """Yield the records, those of cells that work with their latency, one after another."""
    if others.onnxruntime:
        with contextlib.suppress(EnvironmentFailedError):  # it is not installed: then it is not beside
            session.seats.place(_ONNXRUNTIME, session.settings)
    settings = session.settings
    with session.lane() as lane, contextlib.closing(
        TensorFlow(threads=settings.threads, seconds=settings.forward_seconds)
    ) as tensorflow:
        bench = Stand(lane, settings.threads, tensorflow, others, onnxruntime=_ONNXRUNTIME in session.seats.known())
        for record, cell in found:
            step(f"{record.case} [{record.route}]")
            yield bench.time(record, cell) if record.outcome is Outcome.OK else record


class Stand:
    """Times one cell after another; a model's TensorFlow side is opened once for all its cells."""

    def __init__(
        self, lane: Lane, threads: int, tensorflow: TensorFlow, others: Others, *, onnxruntime: bool
    ) -> None:
        """Time with so many threads; `onnxruntime` says whether this lane has a worker for it."""
        self._lane = lane
        self._threads = threads
        self._tensorflow = tensorflow
        self._others = others
        self._onnxruntime = onnxruntime and others.onnxruntime
        self._open: Cell | None = None
        self._digest: str | None = None
        self._layers: Mapping[str, float] = {}

    def time(self, record: Record, cell: Cell) -> Record:
        """Return the record of a cell that works with its latency; as it was where it does not work any more."""
        try:
            artifact = self._lane.artifact_of(record, cell)
            given = next(iter(inputs_of(cell.subject, artifact, PROBES[:1])))
        except HarnessError:
            return record
        worker = self._lane.worker(cell.seat)
        worker.renew()  # the first forward, and the memory, should not depend on what ran before
        run = self._lane.begin(cell, artifact, threads=self._threads)
        warmed(run, given.opencv)
        try:
            latency = self._beside(run, cell, artifact, given)
            if latency is None:
                return record
            latency = replace(latency, profile=self._profile(run, cell, artifact))
            counted = run.count()  # last: a worker that dies of it costs nothing
            return replace(record, latency=replace(latency, **counted))
        finally:
            if worker.running:
                run.threads(_USUAL_THREADS)

    def _beside(self, run: Run, cell: Cell, artifact: Artifact, given: Input) -> Latency | None:
        """Return OpenCV's latency and, from the same rounds, its ratio to every other runtime."""
        seen = run.observed().observation
        runtimes = list(self._runtimes(cell, artifact, given))
        sides = [passes_of(run), *(passes for _, _, passes in runtimes)]
        counts = [repeats_for(side) for side in sides]
        turns = in_turns(list(zip(sides, counts, strict=True)), _rounds(sides, counts))
        if turns is None or seen.load_ms is None:
            return None
        ours = [median(times) for times in turns[0]]
        beside = []
        for (name, version, _), times in zip(runtimes, turns[1:], strict=True):
            theirs = [median(one) for one in times]
            found = pace(cell.subject.id, cell.route, cell.target.engine_asked, theirs, ours)
            beside.append(
                Beside(
                    runtime=name,
                    version=version,
                    forward_ms=_timing(times),
                    ratio=found.ratio,
                    low=found.low,
                    high=found.high,
                    noise=found.noise,
                    speed=found.speed,
                )
            )
        return Latency(
            load_ms=round(seen.load_ms, 4),
            first_ms=None if seen.first_ms is None else round(seen.first_ms, 4),
            forward_ms=_timing(turns[0]),
            threads=seen.threads,
            peak_rss_bytes=run.observed().observation.peak_rss_bytes,
            beside=tuple(beside),
        )

    def _runtimes(self, cell: Cell, artifact: Artifact, given: Input) -> Iterator[tuple[str, str, Passes]]:
        """Yield name, release and clock of each runtime that can run the very same thing."""
        if self._others.tensorflow and self._opens(cell, artifact, given):
            yield "tensorflow", self._tensorflow.version, self._tensorflow.times
        if self._onnxruntime and artifact.manifest.format == "onnx" and cell.seat != _ONNXRUNTIME:
            worker = self._lane.worker(_ONNXRUNTIME)
            run = worker.begin(artifact.manifest, artifact.model, threads=self._threads)
            warmed(run, given.opencv)
            if run.works:
                yield "onnxruntime", worker.identity().opencv.removeprefix("onnxruntime-"), passes_of(run)

    def _opens(self, cell: Cell, artifact: Artifact, given: Input) -> bool:
        """Whether TensorFlow holds this cell's model, on the weights that were exported, and this input."""
        if self._open is None or self._open.subject != cell.subject:
            self._open, self._digest, self._layers = cell, None, {}
            if given.keras:
                with contextlib.suppress(HarnessError):  # no graph of TensorFlow's, or one that it cannot run
                    self._digest = self._tensorflow.open(cell.subject.source, given.keras)
            if self._digest and self._others.layers:
                self._layers = self._tensorflow.layers()
        return self._digest == artifact.manifest.weights_digest

    def _profile(self, run: Run, cell: Cell, artifact: Artifact) -> Profile | None:
        times = run.observed().observation.forward_ms
        passes = max(_FEWEST, min(_PROFILED, round(1000 * _CELL_SECONDS / 6 / max(median(times), 1e-3))))
        steps = run.profile(passes)
        if steps is None:
            return None
        found = profile(
            steps.layers, steps.ms, steps.forward_ms, artifact.manifest.node_layers, self._anatomy(cell, artifact)
        )
        return with_tensorflow(found, self._layers)

    def _anatomy(self, cell: Cell, artifact: Artifact) -> Anatomy:
        """Return the model's layers and what passes between them; nothing where it has no Keras layers."""
        if not artifact.manifest.node_layers:
            return Anatomy(parts=())
        try:
            return self._lane.library.anatomy(cell.subject)
        except HarnessError:
            return Anatomy(parts=())


def _rounds(sides: Sequence[Passes], counts: Sequence[int]) -> int:
    """Return how many rounds there is time for."""
    spent = 0.0
    for passes, count in zip(sides, counts, strict=True):
        spent += sum(passes(count) or ())
    return max(_FEWEST, min(ROUNDS, int(_CELL_SECONDS * 1000 / max(spent, 1e-3))))


def _timing(rounds: Sequence[Sequence[float]]) -> Timing:
    """Return how passes are distributed; the median and its interval are those of the rounds' medians.

    Passes of one round are alike: counted one by one they would promise an interval that the next minute breaks.
    """
    medians = sorted(median(times) for times in rounds)
    every = [ms for times in rounds for ms in times]
    low, high = interval(medians)
    return Timing(
        min=round(min(every), 4),
        median=round(median(medians), 4),
        p95=round(float(np.percentile(every, 95)), 4),
        n=len(every),
        low=round(low, 4),
        high=round(high, 4),
    )
