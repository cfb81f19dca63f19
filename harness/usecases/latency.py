"""The use case `--latency`: what works, timed again, alone on the machine and beside other runtimes.

Each cell gets a fresh worker. OpenCV, TensorFlow and, for ONNX files, ONNX Runtime take turns on the same weights,
input and number of threads, so that whatever slows the machine slows all. Nothing here costs a verdict.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median

import numpy as np

from harness.cells.feeding import Input, inputs_of
from harness.cells.lane import Lane
from harness.cells.library import Artifact
from harness.cells.recording import Stopwatch
from harness.cells.subjects import Cell, Seat, Subject
from harness.effects.beside import TensorFlow
from harness.effects.environments import is_command
from harness.effects.network_run import Run
from harness.effects.observing import OpenCV
from harness.errors import EnvironmentFailedError, HarnessError
from harness.pure.inputs import PROBES
from harness.pure.pace import LEAST_TIMES, interval, pace
from harness.pure.profiles import with_tensorflow
from harness.records import TIMING, CellId, Record
from harness.timings import Beside, Latency, Profile, Timing
from harness.usecases.planning import cell_id
from harness.usecases.profiling import profile_of
from harness.usecases.session import Session
from harness.usecases.turns import ROUNDS, Passes, begun, in_turns, passes_of, repeats_for, warmed

_CELL_SECONDS = 30.0
"""What all rounds of one cell should take; slow networks get fewer rounds, not fewer runtimes."""
_ONNXRUNTIME = Seat(environment="onnxruntime")


def timed(
    session: Session,
    cells: Iterable[Cell],
    records: Iterable[Record],
    step: Callable[[str], None],
    *,
    layers: bool = True,
) -> Iterator[Record]:
    """Yield the records, those of cells that work with their latency, one after another: nothing of ours runs beside.

    With `layers`, TensorFlow times each layer of a model alone as well, which takes seconds a model.
    """
    by_id = {cell_id(cell): cell for cell in cells}
    settings = session.settings
    with contextlib.suppress(EnvironmentFailedError):  # it is not installed: then it is not beside
        session.seats.place(_ONNXRUNTIME, settings)
    tensorflow = TensorFlow(threads=settings.threads, seconds=settings.forward_seconds)
    with session.lane() as lane, contextlib.closing(tensorflow):
        onnxruntime = lane.worker(_ONNXRUNTIME) if _ONNXRUNTIME in session.seats.known() else None
        stand = Stand(lane, settings.threads, tensorflow, onnxruntime, layers=layers)
        for record in records:
            if record.untimed:
                yield _marked(record, stand, by_id[CellId.of(record)])
            else:
                yield record
            step(f"{record.case} [{record.route}]")
        session.tensorflow_started |= tensorflow.started


def _marked(record: Record, stand: Stand, cell: Cell) -> Record:
    """Return a record that says how long it was timed, also where nothing came of that: it is not tried again."""
    started, watch = time.perf_counter(), Stopwatch(seconds=dict(record.seconds))
    found = stand.time(record, cell)
    watch.measure(TIMING, started)
    return replace(found, seconds=watch.seconds)


class Stand:
    """Times one cell after another; a model's TensorFlow side is opened once for all its cells."""

    def __init__(
        self, lane: Lane, threads: int, tensorflow: TensorFlow, onnxruntime: OpenCV | None, *, layers: bool
    ) -> None:
        """Time with so many threads; `layers` says whether TensorFlow times each layer as well."""
        self._lane = lane
        self._threads = threads
        self._tensorflow = tensorflow
        self._onnxruntime = onnxruntime
        self._every_layer = layers
        self._subject: Subject | None = None
        self._digest: str | None = None
        """Of the weights that TensorFlow holds; None where it holds none."""
        self._layers: Mapping[str, float] = {}

    def time(self, record: Record, cell: Cell) -> Record:
        """Return the record of a cell that works with its latency; as it was where it does not work any more."""
        try:
            artifact = self._lane.artifact_of(record, cell)
            given = next(iter(inputs_of(cell.subject, artifact, PROBES[:1])))
        except HarnessError:
            return record
        with begun(self._lane, cell, artifact, given.opencv, self._threads) as run:
            latency = self._beside(run, cell, artifact, given)
            if latency is None:
                return record
            latency = replace(latency, profile=self._profile(run, cell, artifact))
            own = run.count()  # last: a worker that dies of it costs nothing
            latency = replace(latency, flops=own.flops, weights_bytes=own.weights_bytes, blobs_bytes=own.blobs_bytes)
            return replace(record, latency=latency)

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
                    forward_ms=rounds_timing(times),
                    ratio=found.ratio,
                    low=found.low,
                    high=found.high,
                    noise=found.noise,
                    speed=found.speed,
                )
            )
        return Latency(
            load_ms=round(seen.load_ms, 6),
            first_ms=None if seen.first_ms is None else round(seen.first_ms, 6),
            forward_ms=rounds_timing(turns[0]),
            threads=seen.threads,
            peak_rss_bytes=run.observed().observation.peak_rss_bytes,
            beside=tuple(beside),
        )

    def _runtimes(self, cell: Cell, artifact: Artifact, given: Input) -> Iterator[tuple[str, str, Passes]]:
        """Yield name, release and clock of each runtime that can run the very same thing, on the same machine."""
        if is_command(cell.environment):
            return
        if self._opens(cell, artifact, given):
            yield "tensorflow", self._tensorflow.version, self._tensorflow.times
        worker = self._onnxruntime
        if worker is not None and artifact.manifest.format == "onnx" and cell.seat != _ONNXRUNTIME:
            worker.renew()
            run = worker.begin(artifact.manifest, artifact.model, threads=self._threads)
            warmed(run, given.opencv)
            if run.works:
                yield "onnxruntime", worker.identity().opencv.removeprefix("onnxruntime-"), passes_of(run)

    def _opens(self, cell: Cell, artifact: Artifact, given: Input) -> bool:
        """Whether TensorFlow holds this cell's model, on the weights that were exported, and this input."""
        if self._subject != cell.subject:
            self._subject, self._digest, self._layers = cell.subject, None, {}
            with contextlib.suppress(HarnessError):  # no graph of TensorFlow's, or one that it cannot run
                self._digest = self._tensorflow.open(cell.subject.source, given.keras)
                self._layers = self._tensorflow.layers() if self._every_layer else {}
        return self._digest == artifact.manifest.weights_digest

    def _profile(self, run: Run, cell: Cell, artifact: Artifact) -> Profile | None:
        found = profile_of(self._lane, run, cell, artifact)
        return None if found is None else with_tensorflow(found, self._layers)


def _rounds(sides: Sequence[Passes], counts: Sequence[int]) -> int:
    """Return how many rounds there is time for."""
    spent = 0.0
    for passes, count in zip(sides, counts, strict=True):
        spent += sum(passes(count) or ())
    return max(LEAST_TIMES, min(ROUNDS, int(_CELL_SECONDS * 1000 / max(spent, 1e-3))))


def rounds_timing(rounds: Sequence[Sequence[float]]) -> Timing:
    """Return how passes are distributed; the median and its interval (of six rounds) are those of the rounds' medians.

    Passes of one round are alike: counted one by one they would promise an interval that the next minute breaks.
    """
    medians = sorted(median(times) for times in rounds)
    every = [ms for times in rounds for ms in times]
    low, high = interval(medians) if len(medians) >= LEAST_TIMES else (None, None)
    return Timing(
        min=round(min(every), 6),
        median=round(median(medians), 6),
        p95=round(float(np.percentile(every, 95)), 6),
        n=len(every),
        low=None if low is None else round(low, 6),
        high=None if high is None else round(high, 6),
    )
