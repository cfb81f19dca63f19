"""One lane of work: an exporter and one worker per target, used by one thread, turning cells into records.

This is where a cell's road is decided: artifact, inputs, observation, diagnosis, comparison, repetition, record.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from harness.cells.bench import Bench, Given
from harness.cells.comparing import Ran, compared
from harness.cells.feeding import Input, inputs_of
from harness.cells.library import Artifact, Library
from harness.cells.locating import FAILURES, Locator, is_to_locate, is_wrong_in_threads
from harness.cells.opwise import op_verdicts
from harness.cells.recording import Stopwatch, blank_record, filled
from harness.cells.subjects import Cell, Seat
from harness.cells.trials import THREADS, Trials
from harness.effects.exporting import ExporterLostError
from harness.effects.history import Deadlines
from harness.effects.network_run import Observed, Run
from harness.effects.observing import OpenCV
from harness.errors import ExportFailedError, ModelRejectedError
from harness.manifests import Head, TensorSpec
from harness.pure.blobs import Feed
from harness.pure.diagnose import diagnose, unconverted_op
from harness.pure.heads import before, before_activation, hiding
from harness.pure.inputs import PROBES, Array, InputPlan, expand
from harness.pure.opsets import sweep
from harness.pure.steadiness import Finding, unsteady
from harness.pure.tolerance import roundoff
from harness.pure.verdict import Verdict, from_failure, nondeterministic
from harness.records import OpVerdict, Outcome, Record, Stage
from harness.routes import all_routes

_STATIC = {"onnx-dynamic-batch": "onnx"}
"""Routes that take whole models only, and those that make the same graph of a part."""


class Lane:
    """Judges cells one after another."""

    def __init__(self, library: Library, workers: Mapping[Seat, OpenCV], *, repeats: int) -> None:
        """Take a worker for each seat; time `repeats` forward passes per cell."""
        self.library = library
        self._workers = workers
        self._repeats = repeats

    def worker(self, seat: Seat) -> OpenCV:
        """Return this lane's worker for a seat."""
        return self._workers[seat]

    def allow(self, cell: Cell, deadlines: Deadlines) -> None:
        """Give a cell's worker its deadlines, until others are given."""
        self._workers[cell.seat].allow(load_seconds=deadlines.load, forward_seconds=deadlines.forward)

    def observe(self, cell: Cell, artifact: Artifact, inputs: Sequence[Input]) -> Observed:
        """Run an artifact, or a model file in its place, on inputs once: untimed, unjudged, not repeated."""
        feeds = [given.opencv for given in inputs]
        return self._workers[cell.seat].observe(artifact.manifest, artifact.model, feeds)

    def run(self, cell: Cell, artifact: Artifact, feed: Feed, *, fresh: bool = True) -> Observed:
        """Run an artifact on one feed, in a fresh worker unless that does not matter: unjudged, not repeated."""
        worker = self._workers[cell.seat]
        if fresh:
            worker.renew()
        return worker.observe(artifact.manifest, artifact.model, [feed])

    def begin(self, cell: Cell, artifact: Artifact, *, threads: int | None = None) -> Run:
        """Load an artifact, for so many threads from now on, and return the way on: for what is timed, not judged."""
        return self._workers[cell.seat].begin(artifact.manifest, artifact.model, threads=threads)

    def judge(
        self, cell: Cell, plans: Sequence[InputPlan] = PROBES, *, properties: bool = True, locate: bool = True
    ) -> Record:
        """Return the record of a cell. Never raises for what a model, TensorFlow or OpenCV does.

        `properties` says whether they are tried as well (`steadiness.py`): once per cell is enough, whatever is drawn.
        `locate` says whether the layer to blame is looked for, which takes dozens of exports.
        """
        try:
            return self._with_only_layer(self._judged(cell, plans, properties=properties, locate=locate), cell)
        finally:
            self._workers[cell.seat].rest()

    def _judged(self, cell: Cell, plans: Sequence[InputPlan], *, properties: bool, locate: bool) -> Record:
        record = self._before_heads(self._swept(cell, plans, properties=properties), cell, plans, locate=locate)
        if record.outcome is Outcome.VACUOUS:
            return self._with_other_weights(record, cell, plans, properties=properties, locate=locate)
        return self._with_culprit(record, cell, plans) if locate else record

    def _swept(self, cell: Cell, plans: Sequence[InputPlan], *, properties: bool) -> Record:
        """Return the record at the first opset that works, or the route's own."""
        watch = Stopwatch()
        blank = blank_record(cell, plans)

        def at(opset: int | None) -> Record:
            return self._judge_at(opset, cell, plans, blank, watch, properties=properties)

        try:
            return sweep(at(None), all_routes()[cell.route].opsets[1:], at)
        except ModelRejectedError as error:  # at whatever opset
            return replace(blank, outcome=Outcome.EXPORT_FAILED, stage=Stage.EXPORT, message=str(error))

    def _before_heads(self, record: Record, cell: Cell, plans: Sequence[InputPlan], *, locate: bool) -> Record:
        """Return what shows before the last activations, where those hide what was computed or prove nothing."""
        if record.outcome not in {Outcome.OK, Outcome.VACUOUS} or all_routes()[cell.route].stock:
            return record
        artifact = self.artifact_of(record, cell)
        heads = artifact.manifest.heads
        if not heads or (record.outcome is Outcome.OK and not self._hide(heads, cell, artifact, plans)):
            return record
        subject = cell.subject.part(before(heads, len(artifact.manifest.outputs)))
        part = replace(cell, subject=subject, route=_STATIC.get(cell.route, cell.route))
        found = self._swept(part, plans, properties=False)
        found = self._with_culprit(found, part, plans) if locate else found
        return before_activation(record, found, heads)

    def artifact_of(self, record: Record, cell: Cell) -> Artifact:
        """Return the artifact that a record is about."""
        others = all_routes()[cell.route].opsets[1:]
        return self.library.artifact(cell.subject, cell.route, record.opset if record.opset in others else None)

    def _hide(self, heads: Sequence[Head], cell: Cell, artifact: Artifact, plans: Sequence[InputPlan]) -> bool:
        specs = [port.tensor for port in artifact.manifest.inputs]
        references = self.library.references(cell.subject, artifact, [expand(plan, specs) for plan in plans])
        return bool(hiding(heads, [[one.float32 for one in outputs] for outputs in references]))

    def _with_culprit(self, record: Record, cell: Cell, plans: Sequence[InputPlan]) -> Record:
        """Return a failing record with the layer to blame, where the failure lets one be found."""
        route = all_routes()[cell.route]
        if record.culprit is not None or not is_to_locate(record, route, cell.subject.source.kind):
            return record
        bench = self.bench(record, cell, plans)
        started = time.perf_counter()
        locator = Locator(bench)
        culprit = locator.find(record)
        took = round(time.perf_counter() - started, 4)
        layer = record.layer or (culprit.layer if culprit is not None else None)
        graph = locator.nodes if culprit is not None else None
        seconds = {**record.seconds, "locate": took}
        return replace(record, culprit=culprit, layer=layer, graph=graph, seconds=seconds)

    def _with_only_layer(self, record: Record, cell: Cell) -> Record:
        """Return a failing record with the layer that the whole artifact came from, where it came from one."""
        if record.outcome not in FAILURES or record.layer is not None or record.artifact is None:
            return record
        layers = set(self.artifact_of(record, cell).manifest.node_layers.values())
        return replace(record, layer=layers.pop()) if len(layers) == 1 else record

    def bench(self, record: Record, cell: Cell, plans: Sequence[InputPlan] = PROBES) -> Bench:
        """Return the workbench for parts of a judged cell, with the input that was worst, else the first.

        Raises HarnessError where not even the model's inputs are known.
        """
        items = [item for plan in plans for item in plan.each]
        alone = [item for item in items if record.parity is None or str(item) == record.parity.worst_input]
        plan = alone[0] if alone else plans[0]
        arrays = {spec.name: array for spec, array in self._expanded(record, cell, plan)}
        return Bench(
            self.library,
            self._workers[cell.seat],
            cell.subject,
            _STATIC.get(cell.route, cell.route),
            record.opset if all_routes()[cell.route].opsets else None,
            Given(name=str(plan), arrays=arrays),
            roundoff(cell.target.backend),
            THREADS if is_wrong_in_threads(record) else None,
        )

    def _expanded(self, record: Record, cell: Cell, plan: InputPlan) -> Iterator[tuple[TensorSpec, Array]]:
        """Yield the model's inputs with what a plan gives them; what cannot be exported by the route has them too."""
        if record.artifact is None:
            specs: Sequence[TensorSpec] = self.library.info(cell.subject).inputs
        else:
            specs = [port.tensor for port in self.artifact_of(record, cell).manifest.inputs]
        yield from zip(specs, expand(plan, specs), strict=True)

    def op_table(self, record: Record, cell: Cell) -> tuple[OpVerdict, ...] | None:
        """Return what becomes of each operation of a judged cell's artifact; None where there is no such table."""
        if record.artifact is None:
            return None
        return op_verdicts(self.library, self._workers[cell.seat], self.artifact_of(record, cell))

    def _with_other_weights(
        self, vacuous: Record, cell: Cell, plans: Sequence[InputPlan], *, properties: bool, locate: bool
    ) -> Record:
        """Return what the same network does with weights that prove something: an untrained one deserves an answer.

        The artifact stays the model's own, which loads and agrees; where the other one fails, that is the record.
        """
        subject = cell.subject.conditioned()
        if subject is None:
            return vacuous
        record = self._judged(replace(cell, subject=subject), plans, properties=properties, locate=locate)
        if record.outcome in {Outcome.VACUOUS, Outcome.EXPORT_FAILED, Outcome.NO_REFERENCE, Outcome.HARNESS_ERROR}:
            return vacuous
        own = vacuous.parity.sensitivity if vacuous.parity else 0.0
        caveat = (
            f"judged with conditioned weights: with the model's own the outputs agree, but vary between inputs by only "
            f"{own:.3g} tolerances"
        )
        if record.outcome is not Outcome.OK:
            return replace(record, message=f"{record.message or ''} ({caveat})", reproduce=vacuous.reproduce)
        caveat = "; ".join(filter(None, (caveat, record.caveat)))
        return replace(vacuous, outcome=Outcome.OK, parity=record.parity, stage=None, message=None, caveat=caveat)

    def _judge_at(
        self,
        opset: int | None,
        cell: Cell,
        plans: Sequence[InputPlan],
        blank: Record,
        watch: Stopwatch,
        *,
        properties: bool,
    ) -> Record:
        """Return the record at one opset; None is the route's own, whose failures are tried twice."""
        started = time.perf_counter()
        try:
            artifact = self.library.artifact(cell.subject, cell.route, opset)
        except ExportFailedError as error:
            words, op = str(error), unconverted_op(str(error))
            return replace(blank, outcome=Outcome.EXPORT_FAILED, stage=Stage.EXPORT, message=words, op=op)
        except ExporterLostError as error:
            return replace(blank, outcome=Outcome.HARNESS_ERROR, stage=Stage.EXPORT, message=str(error))
        watch.measure("export", started)
        inputs = tuple(inputs_of(cell.subject, artifact, plans))
        settle = self._settle if opset is None else self._attempt
        verdict, observed = settle(cell, artifact, inputs, watch)
        # Of other opsets only one that works is told of.
        wanted = properties and (opset is None or verdict.outcome is Outcome.OK)
        findings = self._try_properties(cell, artifact, inputs, observed, verdict, watch) if wanted else ()
        record = filled(blank, artifact, unsteady(verdict, findings), observed.observation, watch)
        return replace(record, properties=tuple(found.property for found in findings))

    def _try_properties(
        self,
        cell: Cell,
        artifact: Artifact,
        inputs: Sequence[Input],
        observed: Observed,
        verdict: Verdict,
        watch: Stopwatch,
    ) -> tuple[Finding, ...]:
        if diagnose(observed.observation) is not None:
            return ()
        started = time.perf_counter()
        worker = self._workers[cell.seat]
        references = partial(self.library.references, cell.subject, artifact)
        agrees = verdict.outcome in {Outcome.OK, Outcome.VACUOUS}
        trials = Trials(worker, artifact, inputs, observed, verdict.allowed)
        findings = (*trials.repetitions(), *(trials.specials(references) if agrees else ()))
        watch.measure("properties", started)
        return findings

    def _settle(
        self, cell: Cell, artifact: Artifact, inputs: Sequence[Input], watch: Stopwatch
    ) -> tuple[Verdict, Observed]:
        verdict, observed = self._attempt(cell, artifact, inputs, watch)
        if verdict.outcome not in {Outcome.OK, Outcome.ROUTE_ABSENT}:
            # What ran before in this process must not decide: a fresh worker has the last word.
            worker = self._workers[cell.seat]
            worker.renew()
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
        worker = self._workers[cell.seat]
        feeds = [given.opencv for given in inputs]
        observed = worker.observe(artifact.manifest, artifact.model, feeds, timing_repeats=self._repeats)
        watch.measure("opencv", started)
        failure = diagnose(observed.observation)
        if failure is not None:
            return from_failure(failure, artifact.manifest.node_layers), observed
        started = time.perf_counter()
        ran = Ran(cell=cell, artifact=artifact, inputs=inputs, observed=observed)
        verdict = compared(ran, self.library, worker)
        watch.measure("compare", started)
        return verdict, observed
