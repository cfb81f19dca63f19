"""The use cases: plan the cells, run them over lanes, hold records against expectations. Decides; prints nothing."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from harness import __version__
from harness.cases import Case, load_zoos, select
from harness.cells import subjects
from harness.cells.lane import Lane
from harness.cells.library import Library
from harness.cells.subjects import Cell, Seat, Subject
from harness.effects import fingerprint, shared_store
from harness.effects.artifacts import ArtifactStore
from harness.effects.claims import read_expectations, read_regressions
from harness.effects.config import Settings, installed_zoos
from harness.effects.environments import Environments
from harness.effects.exporting import Exporter
from harness.effects.history import Deadlines, History
from harness.effects.pool import Pool
from harness.effects.store import RunDirectory, RunPlan
from harness.errors import ModelRejectedError, UsageError
from harness.manifests import ModelInfo
from harness.pure.corpora import corpus
from harness.pure.expectations import Expectation
from harness.pure.inputs import InputPlan
from harness.records import Record, Target
from harness.routes import Route, all_routes, pick_routes
from harness.usecases.planning import Plan, cell_id, longest_first
from harness.usecases.seats import Seats
from harness.usecases.sharing import Group, Turn

OnRecord = Callable[[Record], None]
_Item = TypeVar("_Item")
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class _Done(Generic[_Found]):
    """A result on its way out of a lane's thread: told from errors and from the end by being wrapped."""

    found: _Found


class Session:
    """Owns the store, the environments and the children; a context manager that ends them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = ArtifactStore(settings.store, shared_store.connect(settings.shared_store))
        self.environments = Environments(settings.store / "environments")
        self.expectations = read_expectations(settings)
        self.regressions = read_regressions(settings)
        self.history = History(settings.store / "history.sqlite")
        self._children = Pool()
        self.seats = Seats(self.environments, self._children)
        self._guard = threading.RLock()
        self.tensorflow_started = False
        """Whether anything was missing in the store, so that the exporter had to start."""

    def __enter__(self) -> Self:
        """Give the session; children are started when first needed."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End every child."""
        self.close()

    def close(self) -> None:
        """End every child, also those at work in other threads: their requests end at once."""
        self._children.close()

    @contextlib.contextmanager
    def using(self, settings: Settings) -> Iterator[None]:
        """Work with other settings for a while: the store and the environments stay."""
        before, self.settings = self.settings, settings
        try:
            yield
        finally:
            self.settings = before

    # -- what there is ------------------------------------------------------------------------------------------

    def zoo(self) -> tuple[Case, ...]:
        """Return the cases of every zoo in the settings."""
        return load_zoos(self.settings.zoo)

    def target(self, asked: str) -> Target:
        """Return what a word of `--opencv` stands for, having started it once. Raises EnvironmentFailedError."""
        return self.seats.place(self._seat(asked), self.settings).target

    def _seat(self, asked: str) -> Seat:
        return Seat(environment=asked, engine=self.settings.engine[0], device=self.settings.device[0])

    def targets(self) -> dict[Seat, Target]:
        """Return every target of the settings that can be had; `seats.unavailable` has the others."""
        return {seat: place.target for seat, place in self.seats.all(self.settings).items()}

    def info(self, subject: Subject) -> ModelInfo:
        """Return what a model is. Raises ModelRejectedError."""
        with self.offline_lane() as lane:
            return lane.library.info(subject)

    def models(self, library: Library) -> tuple[dict[str, ModelInfo], tuple[Subject, ...]]:
        """Return what the store knows of the zoo's models, by case, and those that it could be asked to build."""
        known: dict[str, ModelInfo] = {}
        unknown = []
        for case in self.zoo():
            subject = subjects.from_case(case, self.settings.zoo)
            with contextlib.suppress(ModelRejectedError):  # then there is nothing to know
                info = library.stored_info(subject)
                if info is not None:
                    known[case.id] = info
                elif not case.missing_packages():
                    unknown.append(subject)
        return known, tuple(unknown)

    def good_routes(self, subject: Subject) -> tuple[str, ...]:
        """Return the names of the routes, other than stock ones, that a subject can take."""
        return tuple(route.name for route in pick_routes((), subject.source.kind) if not route.stock)

    # -- planning -----------------------------------------------------------------------------------------------

    def plan_zoo(self, wanted: str) -> Plan:
        """Plan a tier or a glob of the zoo by all routes (or those of the settings) on every target."""
        chosen = select(self.zoo(), wanted)
        left_out = tuple(
            (case.id, f"needs {', '.join(missing)}") for case in chosen if (missing := case.missing_packages())
        )
        skipped = dict(left_out)
        wanted_subjects = [subjects.from_case(case, self.settings.zoo) for case in chosen if case.id not in skipped]
        cells = [cell for subject in wanted_subjects for cell in self.cells(subject)]
        if not cells:
            raise UsageError(f"nothing to run: {'; '.join(f'{case} {why}' for case, why in left_out)}")
        return Plan(cells=tuple(cells), left_out=left_out)

    def cells(self, subject: Subject, *, quick: bool = False) -> Iterator[Cell]:
        """Yield a subject's cells; `quick` leaves out routes that run a converter of their own."""
        routes: Sequence[Route] = pick_routes(self.settings.route, subject.source.kind)
        if quick and not self.settings.route:
            routes = [route for route in routes if route.quick]
        for route in routes:
            for seat, target in self.targets().items():
                yield Cell(
                    subject=subject,
                    route=route.name,
                    target=target,
                    environment=seat.environment,
                    device=seat.device,
                )

    def plans(self) -> tuple[InputPlan, ...]:
        """Return the inputs every cell is compared on: the fixed probes and hypothesis's fixed draws."""
        return corpus(self.settings.draws)

    def plans_for(self, cell: Cell, plans: Sequence[InputPlan]) -> tuple[InputPlan, ...]:
        """Return some inputs and those that once failed on the cell's model."""
        return self.regressions.besides(cell.subject.id, plans)

    # -- running ------------------------------------------------------------------------------------------------

    def run(
        self,
        cells: Sequence[Cell],
        on_record: OnRecord,
        plans: Sequence[InputPlan] = (),
        *,
        properties: bool = True,
    ) -> None:
        """Judge every cell over `jobs` lanes; `on_record` is called from this thread as each one ends.

        All cells of a subject go to one lane, so that its model is built once; lanes that run out of subjects help.
        Raises the first error of a lane.
        """
        plans = plans or self.plans()
        usual = Deadlines(load=self.settings.load_seconds, forward=self.settings.forward_seconds)

        def judge(lane: Lane, turn: Turn) -> Iterator[Record]:
            with contextlib.closing(turn()) as worked_on:  # at once, for others may wait for its end
                for cell in worked_on:
                    lane.allow(cell, self.history.deadlines(cell_id(cell), most=usual))
                    yield self.judged(lane.judge(cell, self.plans_for(cell, plans), properties=properties))

        groups = [Group(group) for group in longest_first(cells, self.history.seconds)]
        helping = [group.help for group in groups for _ in range(self.settings.jobs - 1)]
        self.over_lanes([*(group.own for group in groups), *helping], judge, on_record)

    def over_lanes(
        self,
        items: Sequence[_Item],
        work: Callable[[Lane, _Item], Iterable[_Found]],
        on_found: Callable[[_Found], None],
    ) -> None:
        """Work on every item in one of `jobs` lanes; `on_found` is called from this thread as each result comes.

        Raises the first error of a lane.
        """
        waiting = list(items)
        done: queue.SimpleQueue[_Done[_Found] | BaseException | None] = queue.SimpleQueue()
        threads = [
            threading.Thread(target=self._work, args=(waiting, work, done), daemon=True)
            for _ in range(min(self.settings.jobs, len(waiting)))
        ]
        for thread in threads:
            thread.start()
        running = len(threads)
        while running:
            item = done.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                running -= 1
            else:
                on_found(item.found)

    def _work(
        self,
        waiting: list[_Item],
        work: Callable[[Lane, _Item], Iterable[_Found]],
        done: queue.SimpleQueue[_Done[_Found] | BaseException | None],
    ) -> None:
        """Take items until none is left: a lane's thread."""
        try:
            with self.lane() as lane:
                while not self._children.closed:
                    with self._guard:
                        if not waiting:
                            break
                        item = waiting.pop(0)
                    for found in work(lane, item):
                        done.put(_Done(found))
            done.put(None)
        except BaseException as error:  # handed to the thread that waits, which raises it
            done.put(error)

    @contextlib.contextmanager
    def lane(self) -> Iterator[Lane]:
        """Give a lane with children of its own."""
        self.targets()
        with self.offline_lane() as lane:
            yield lane

    @contextlib.contextmanager
    def offline_lane(self) -> Iterator[Lane]:
        """Give a lane with workers for the targets known so far: for what needs no OpenCV."""
        with contextlib.ExitStack() as lent:
            seconds = self.settings.export_seconds
            exporter = lent.enter_context(self._children.lend(("exporter", seconds), lambda: Exporter(seconds=seconds)))
            known = self.seats.known().items()
            workers = {
                seat: lent.enter_context(self.seats.lend(seat, place.environment, self.settings))
                for seat, place in known
            }
            for worker in workers.values():  # one that is used again has the deadlines of its last cell
                worker.allow(load_seconds=self.settings.load_seconds, forward_seconds=self.settings.forward_seconds)
            try:
                yield Lane(Library(self.store, exporter), workers, repeats=self.settings.repeats)
            finally:
                self.tensorflow_started |= exporter.started

    def stale_claims(self) -> tuple[Expectation, ...]:
        """Return the claims about cases and routes that there are no more."""
        if set(self.settings.zoo) != set(installed_zoos()):
            return ()  # a part of what is installed cannot tell
        return self.expectations.stale((case.id for case in self.zoo()), all_routes())

    def judged(self, record: Record) -> Record:
        """Return a record with its judgement."""
        judgement, expected = self.expectations.judge(record)
        return replace(record, judgement=judgement, expected=expected)

    # -- a recorded run -----------------------------------------------------------------------------------------

    def begin(
        self, plan: Plan, out: Path, command: str, *, latency: bool = False
    ) -> tuple[RunDirectory, tuple[Record, ...]]:
        """Open a run directory for a plan; returns it with the records that an interrupted run left there."""
        directory = RunDirectory(out)
        earlier = directory.begin(
            RunPlan(
                cells=plan.ids,
                fingerprint=self._fingerprint(plan),
                started=datetime.now(UTC).isoformat(timespec="seconds"),
                command=command,
                versions=shown_versions(),
                host=socket.gethostname(),
                shard=str(plan.share or ""),
                unavailable=dict(self.seats.unavailable),
                offers={place.target.opencv: place.offers for place in self.seats.all(self.settings).values()},
                latency=latency,
            )
        )
        return directory, tuple(self.judged(record) for record in earlier)

    def _fingerprint(self, plan: Plan) -> str:
        """Digest what the records depend on, so that only records of the same question are taken over."""
        models = sorted({cell.subject.id: cell.subject.fingerprint() or "" for cell in plan.cells}.items())
        targets = sorted({repr(cell.target) for cell in plan.cells})
        plans = " ".join(map(str, self.plans()))
        plans = f"{plans} {self.regressions}"
        return fingerprint.combine(fingerprint.exporter(), fingerprint.host(), plans, repr(models), *targets)


def shown_versions() -> dict[str, str]:
    """Return the releases that a report names: ours, and those of the packages that take part in an export."""
    exporting = ("tensorflow", "keras", "tf2onnx", "onnx", "numpy")
    return {"opencv-dnn-harness": __version__} | {name: version(name) for name in exporting}
