"""The use case of tests of latency: one cell that works, loaded in a fresh worker, and turns timed by its clock."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median

from harness.cells.feeding import inputs_of
from harness.cells.lane import Lane
from harness.cells.subjects import Cell, Subject
from harness.effects.network_run import Run
from harness.errors import HarnessError, UsageError
from harness.pure.inputs import PROBES
from harness.pure.pace import Pace
from harness.records import Outcome, Record
from harness.routes import all_routes
from harness.timings import Latency
from harness.usecases.latency import rounds_timing
from harness.usecases.session import Session
from harness.usecases.turns import begun, passes_of, repeats_for, timed_in_turns


class NotWorkingError(HarnessError):
    """A network that fails has no latency: a wrong answer is no sooner right."""

    def __init__(self, record: Record) -> None:
        super().__init__(f"{record.case} does not work: {record.outcome}")
        self.record = record


class Clocked:
    """A network that is loaded and warm."""

    def __init__(self, run: Run, record: Record) -> None:
        """Take a run that has gone through once, and the record that says it is right."""
        self.record = record
        self._run = run
        self._seen = run.observed().observation
        self._passes = passes_of(run)
        self._repeats = repeats_for(self._passes)
        self._turns: list[Sequence[float]] = []

    def turn(self) -> float:
        """Run some passes and return the median's seconds. Raises HarnessError where one fails."""
        times = self._passes(self._repeats)
        if not times:
            raise HarnessError(f"{self.record.case} worked, and then failed while it was timed")
        self._turns.append(times)
        return median(times) / 1000

    def latency(self) -> Latency:
        """Return what the turns so far have given."""
        seen = self._run.observed().observation
        return Latency(
            load_ms=round(self._seen.load_ms or 0.0, 4),
            first_ms=None if self._seen.first_ms is None else round(self._seen.first_ms, 4),
            forward_ms=rounds_timing(self._turns),
            threads=self._seen.threads,
            peak_rss_bytes=seen.peak_rss_bytes,
        )


@contextlib.contextmanager
def clocked(session: Session, subject: Subject) -> Iterator[Clocked]:
    """Give a model as the settings' first OpenCV has it by their first route, once it was found to be right.

    Raises NotWorkingError, and what a model that cannot be opened raises.
    """
    cell = _first(session, subject)
    with session.lane() as lane:
        record = _right(session, lane, cell)
        artifact = lane.artifact_of(record, cell)
        given = next(iter(inputs_of(cell.subject, artifact, PROBES[:1])))
        with begun(lane, cell, artifact, given.opencv, session.settings.threads) as run:
            yield Clocked(run, record)


def paced(session: Session, subject: Subject, before: str, after: str) -> Pace:
    """Return how fast a model is on one OpenCV beside another, timed in turns, by the first route of the settings.

    Raises NotWorkingError where it does not work on one of them, UsageError where both words mean the same release.
    """
    with session.using(replace(session.settings, opencv=(before, after))):
        targets = dict.fromkeys(target.opencv for target in session.targets().values())
        if len(targets) != 2:
            raise UsageError(f"{before} and {after} are {', '.join(targets)}; name two different OpenCV")
        cells = _of_first_route(session, subject)
        with session.lane() as lane:
            old, new = ((_right(session, lane, cell), cell) for cell in cells[:2])
        (found,) = timed_in_turns(session, [(old, new)], lambda _name: None)
        return found.pace


def _first(session: Session, subject: Subject) -> Cell:
    return _of_first_route(session, subject)[0]


def _of_first_route(session: Session, subject: Subject) -> list[Cell]:
    """Return the cells of the first route, one for each target; a stock one only where it was asked for."""
    cells = list(session.cells(subject, quick=True))
    routes = [cell.route for cell in cells if session.settings.route or not all_routes()[cell.route].stock]
    if not routes:
        raise UsageError(f"no route takes {subject.id}; name one of {', '.join(all_routes())}")
    return [cell for cell in cells if cell.route == routes[0]]


def _right(session: Session, lane: Lane, cell: Cell) -> Record:
    record = session.judged(lane.judge(cell, session.plans_for(cell, PROBES), properties=False, locate=False))
    if record.outcome is not Outcome.OK:
        raise NotWorkingError(record)
    return record
