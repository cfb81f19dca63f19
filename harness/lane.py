"""One lane of work: an exporter and one worker per target, used by one thread, turning cells into records.

This is where a cell's road is decided: artifact, inputs, observation, diagnosis, comparison, repetition, record.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from harness.blobs import Feed
from harness.compare import compare_output, sensitivity
from harness.diagnose import diagnose
from harness.errors import ExportFailedError, HarnessError, ModelRejectedError, NoReferenceError
from harness.exporting import ExporterLostError
from harness.inputs import DRAWS, PROBES, Array, InputPlan, corpus, expand
from harness.library import Artifact, Library
from harness.observing import Observed, OpenCV
from harness.opsets import sweep
from harness.pictures import Picture, load_pictures
from harness.records import (
    Latency,
    Observation,
    Outcome,
    PortLayouts,
    Record,
    Stage,
    Target,
    Timing,
)
from harness.routes import all_routes
from harness.subjects import Subject
from harness.tolerance import Reference, batched
from harness.verdict import Verdict, from_differences, from_failure, nondeterministic

_STDERR_KEPT = 8_000
_BATCH_ITEMS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of a model, for both sides."""

    name: str
    """The input plan, or the picture's name: one line that reproduces it."""
    keras: tuple[Array, ...]
    """What TensorFlow is given, in Keras's layout."""
    opencv: Feed
    """What the worker is given."""
    batch_of: tuple[int, ...] = ()
    """For several inputs given at once: which. TensorFlow computed them one by one."""


@dataclass(slots=True, kw_only=True)
class Stopwatch:
    """Wall-clock seconds by step, for the record."""

    seconds: dict[str, float] = field(default_factory=dict)

    def measure(self, step: str, started: float) -> None:
        """Add the time since `started` (perf_counter) to a step."""
        self.seconds[step] = round(self.seconds.get(step, 0.0) + time.perf_counter() - started, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One question: this model, by this route, on this target."""

    subject: Subject
    route: str
    target: Target
    environment: str
    """The word of `--opencv` that names the target."""


class Lane:
    """Judges cells one after another."""

    def __init__(self, library: Library, workers: dict[str, OpenCV], *, repeats: int) -> None:
        """Take a worker for each environment; time `repeats` forward passes per cell."""
        self.library = library
        self._workers = workers
        self._repeats = repeats

    def close(self) -> None:
        """End every worker."""
        for worker in self._workers.values():
            worker.close()

    def observe(self, cell: Cell, artifact: Artifact, inputs: Sequence[Input]) -> Observed:
        """Run an artifact, or a model file in its place, on inputs once: untimed, unjudged, not repeated."""
        feeds = [given.opencv for given in inputs]
        return self._workers[cell.environment].observe(artifact.manifest, artifact.model, feeds)

    def judge(self, cell: Cell, plans: Sequence[InputPlan] = PROBES) -> Record:
        """Return the record of a cell. Never raises for what a model, TensorFlow or OpenCV does."""
        watch = Stopwatch()
        blank = _blank(cell, plans)

        def at(opset: int | None) -> Record:
            return self._judge_at(opset, cell, plans, blank, watch)

        try:
            record = sweep(at(None), all_routes()[cell.route].opsets[1:], at)
        except ModelRejectedError as error:  # at whatever opset
            return replace(blank, outcome=Outcome.EXPORT_FAILED, stage=Stage.EXPORT, message=str(error))
        return self._with_other_weights(record, cell, plans) if record.outcome is Outcome.VACUOUS else record

    def _with_other_weights(self, vacuous: Record, cell: Cell, plans: Sequence[InputPlan]) -> Record:
        """Return what the same network does with weights that prove something: an untrained one deserves an answer.

        The artifact stays the model's own, which loads and agrees; where the other one fails, that is the record.
        """
        subject = cell.subject.conditioned()
        if subject is None:
            return vacuous
        record = self.judge(replace(cell, subject=subject), plans)
        if record.outcome in {Outcome.VACUOUS, Outcome.EXPORT_FAILED, Outcome.NO_REFERENCE, Outcome.HARNESS_ERROR}:
            return vacuous
        own = vacuous.parity.sensitivity if vacuous.parity else 0.0
        caveat = (
            f"judged with conditioned weights: with the model's own the outputs agree, but vary between inputs by only "
            f"{own:.3g} tolerances"
        )
        if record.outcome is not Outcome.OK:
            return replace(record, message=f"{record.message or ''} ({caveat})", reproduce=vacuous.reproduce)
        return replace(vacuous, outcome=Outcome.OK, parity=record.parity, stage=None, message=None, caveat=caveat)

    def _judge_at(
        self, opset: int | None, cell: Cell, plans: Sequence[InputPlan], blank: Record, watch: Stopwatch
    ) -> Record:
        """Return the record at one opset; None is the route's own, whose failures are tried twice."""
        started = time.perf_counter()
        try:
            artifact = self.library.artifact(cell.subject, cell.route, opset)
        except ExportFailedError as error:
            return replace(blank, outcome=Outcome.EXPORT_FAILED, stage=Stage.EXPORT, message=str(error))
        except ExporterLostError as error:
            return replace(blank, outcome=Outcome.HARNESS_ERROR, stage=Stage.EXPORT, message=str(error))
        watch.measure("export", started)
        inputs = tuple(inputs_of(cell.subject, artifact, plans))
        settle = self._settle if opset is None else self._attempt
        verdict, observed = settle(cell, artifact, inputs, watch)
        return _fill(blank, artifact, verdict, observed.observation, watch)

    def _settle(
        self, cell: Cell, artifact: Artifact, inputs: Sequence[Input], watch: Stopwatch
    ) -> tuple[Verdict, Observed]:
        verdict, observed = self._attempt(cell, artifact, inputs, watch)
        if verdict.outcome not in {Outcome.OK, Outcome.ROUTE_ABSENT}:
            # What ran before in this process must not decide: a fresh worker has the last word.
            self._workers[cell.environment].restart()
            # SIGKILL comes from outside (a person, the kernel short of memory): it says nothing of the model.
            killed = observed.observation.signal == "SIGKILL"
            again, observed = self._attempt(cell, artifact, inputs, watch)
            settled = killed or again.fingerprint == verdict.fingerprint
            verdict = again if settled else nondeterministic(verdict, again)
        return verdict, observed

    def _attempt(
        self, cell: Cell, artifact: Artifact, inputs: Sequence[Input], watch: Stopwatch
    ) -> tuple[Verdict, Observed]:
        started = time.perf_counter()
        worker = self._workers[cell.environment]
        feeds = [given.opencv for given in inputs]
        observed = worker.observe(artifact.manifest, artifact.model, feeds, timing_repeats=self._repeats)
        watch.measure("opencv", started)
        failure = diagnose(observed.observation)
        if failure is not None:
            return from_failure(failure, artifact.manifest.node_layers), observed
        started = time.perf_counter()
        verdict = self._compare(cell, artifact, inputs, observed)
        watch.measure("compare", started)
        return verdict, observed

    def _compare(self, cell: Cell, artifact: Artifact, inputs: Sequence[Input], observed: Observed) -> Verdict:
        try:
            alone = [given.keras for given in inputs if not given.batch_of]
            references = self.library.references(cell.subject, artifact, alone)
        except NoReferenceError as error:
            return Verdict(outcome=Outcome.NO_REFERENCE, stage=Stage.REFERENCE, message=str(error))
        except (ExporterLostError, ModelRejectedError, HarnessError) as error:
            return Verdict(outcome=Outcome.HARNESS_ERROR, stage=Stage.REFERENCE, message=str(error))
        return weigh(inputs, observed.outputs, references)


def weigh(
    inputs: Sequence[Input], outputs: Sequence[Sequence[Array]], references: Sequence[tuple[Reference, ...]]
) -> Verdict:
    """Return the verdict on the outputs of each input; `references` are those of the inputs that are given alone."""
    differences = [
        compare_output(got, reference, given.name)
        for given, found, expected in zip(inputs, outputs, expected_of(inputs, references), strict=True)
        for got, reference in zip(found, expected, strict=True)
    ]
    return from_differences(differences, inputs=len(inputs), sensitivity=sensitivity(references))


def inputs_of(subject: Subject, artifact: Artifact, plans: Sequence[InputPlan]) -> Iterator[Input]:
    """Yield what a model is fed with: its own pictures, every plan, and for a free batch the first ones at once."""
    specs = [port.tensor for port in artifact.manifest.inputs]
    pictures = load_pictures(subject.picture) if subject.picture else ()
    for picture in pictures:
        yield _from_picture(picture)
    expanded = [expand(plan, specs) for plan in plans]
    for plan, arrays in zip(plans, expanded, strict=True):
        yield Input(name=str(plan), keras=arrays, opencv=arrays)
    if artifact.manifest.free_batch:
        yield _batch(plans, expanded, before=len(pictures))


def _batch(plans: Sequence[InputPlan], arrays: Sequence[tuple[Array, ...]], *, before: int) -> Input:
    """Return the first inputs at once: what each of them gives alone, it must give among others."""
    items = range(min(_BATCH_ITEMS, len(plans)))
    wide = tuple(np.concatenate([arrays[item][port] for item in items]) for port in range(len(arrays[0])))
    name = f"batch of {', '.join(str(plans[item]) for item in items)}"
    return Input(name=name, keras=(), opencv=wide, batch_of=tuple(before + item for item in items))


def _from_picture(picture: Picture) -> Input:
    return Input(name=f"picture:{picture.name}", keras=(picture.keras_input,), opencv=(picture,))


def expected_of(
    inputs: Sequence[Input], references: Sequence[tuple[Reference, ...]]
) -> Iterator[tuple[Reference, ...]]:
    """Yield the references of every input; those of a batch are put together from its items'."""
    alone = iter(references)
    for given in inputs:
        if given.batch_of:
            ports = zip(*(references[item] for item in given.batch_of), strict=True)
            yield tuple(batched(items) for items in ports)
        else:
            yield next(alone)


def _blank(cell: Cell, plans: Sequence[InputPlan]) -> Record:
    """Return the record of a cell of which nothing is known yet."""
    words = ["dnn-harness", "check", cell.subject.id, "--route", cell.route, "--opencv", cell.environment]
    if cell.target.engine_asked != "default":
        words += ["--engine", cell.target.engine_asked]
    for shape in cell.subject.source.input_shapes:
        words += ["--input-shape", ",".join(map(str, shape))]
    if cell.subject.source.trust_lambda:
        words.append("--trust-lambda")
    usual = corpus(DRAWS)
    for plan in plans:
        if plan not in usual:
            words += ["--input", str(plan)]
    return Record(
        case=cell.subject.id,
        route=cell.route,
        target=cell.target,
        outcome=Outcome.HARNESS_ERROR,
        family=cell.subject.family,
        reproduce=shlex.join(words),
    )


def _fill(blank: Record, artifact: Artifact, verdict: Verdict, seen: Observation, watch: Stopwatch) -> Record:
    manifest = artifact.manifest
    return replace(
        blank,
        outcome=verdict.outcome,
        stage=verdict.stage,
        op=verdict.op,
        layer=verdict.layer,
        message=verdict.message,
        signal=verdict.signal,
        parity=verdict.parity,
        target=replace(blank.target, engine_used=seen.engine_used),
        layout=PortLayouts(
            input=tuple(port.layout.value for port in manifest.inputs),
            output=tuple(port.layout.value for port in manifest.outputs),
        ),
        latency=_latency(seen),
        artifact=artifact.key,
        seconds=watch.seconds,
        stderr=seen.stderr[-_STDERR_KEPT:],
        ops=manifest.ops,
        opset=manifest.opset,
    )


def _latency(seen: Observation) -> Latency | None:
    if seen.load_ms is None or not seen.forward_ms:
        return None
    times = np.asarray(seen.forward_ms)
    return Latency(
        load_ms=round(seen.load_ms, 4),
        forward_ms=Timing(
            min=round(float(times.min()), 4),
            median=round(float(np.median(times)), 4),
            p95=round(float(np.percentile(times, 95)), 4),
            n=len(times),
        ),
    )
