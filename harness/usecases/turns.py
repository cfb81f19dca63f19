"""Two releases timed in turns on the same cells, in the same minutes, with the same file and the same input."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from harness.cells.feeding import inputs_of
from harness.cells.lane import Lane
from harness.cells.library import Artifact
from harness.cells.subjects import Cell
from harness.effects.network_run import Run
from harness.pure.blobs import Feed
from harness.pure.differing import key_of
from harness.pure.inputs import PROBES
from harness.pure.pace import Pace, Speed, pace
from harness.records import Outcome, Record
from harness.timings import Profile
from harness.usecases.profiling import profile_of
from harness.usecases.session import Session

ROUNDS = 15
_ROUND_SECONDS = 0.02
"""What one turn should take: long against a clock's tick, short against the machine's drifts."""
_MOST_REPEATS = 200
_WARM_UP = 3
_USUAL_THREADS = 1
"""What is judged runs on one."""
_LEAST_MS = 1e-6
"""No pass takes no time: ratios are made of these."""

Passes = Callable[[int], Sequence[float] | None]
"""Runs a network so many times; returns each pass's milliseconds, or None where it failed."""
Timed = tuple[Record, Cell]
"""A record that is ok, and its cell."""


def pairs_of(before: Iterable[Timed], after: Iterable[Timed]) -> list[tuple[Timed, Timed]]:
    """Return what works on both sides, so that its times can be held against each other."""
    later = {key_of(record): (record, cell) for record, cell in after if record.outcome is Outcome.OK}
    works = ((record, cell) for record, cell in before if record.outcome is Outcome.OK)
    return [(one, later[key_of(one[0])]) for one in works if key_of(one[0]) in later]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """What a pair's rounds gave."""

    pace: Pace
    profiles: tuple[Profile, Profile] | None
    """Both sides by layer, one right after the other; None where neither is faster."""


def timed_in_turns(
    session: Session, pairs: Iterable[tuple[Timed, Timed]], step: Callable[[str], None]
) -> Iterator[Paced]:
    """Yield the pace of each pair that can still be timed, one after another: nothing of ours runs beside it."""
    with session.lane() as lane:
        for pair in pairs:
            found = _paced(lane, session.settings.threads, pair)
            step(str(key_of(pair[0][0])))
            if found is not None:
                yield found


def _paced(lane: Lane, threads: int, sides: tuple[Timed, Timed]) -> Paced | None:
    with contextlib.ExitStack() as stack:
        runs = [stack.enter_context(_begun(lane, threads, *side)) for side in sides]
        turns = in_turns([(passes := passes_of(run), repeats_for(passes)) for run in runs], ROUNDS)
        if turns is None:
            return None
        key = key_of(sides[0][0])
        found = pace(key.case, key.route, key.engine, *([median(times) for times in side] for side in turns))
        differ = found.speed in {Speed.SLOWER, Speed.FASTER}
        return Paced(pace=found, profiles=_profiles(lane, runs, sides) if differ else None)


def _profiles(lane: Lane, runs: Sequence[Run], sides: Sequence[Timed]) -> tuple[Profile, Profile] | None:
    old, new = (
        profile_of(lane, run, cell, lane.artifact_of(record, cell))
        for run, (record, cell) in zip(runs, sides, strict=True)
    )
    return None if old is None or new is None else (old, new)


def _begun(lane: Lane, threads: int, record: Record, cell: Cell) -> contextlib.AbstractContextManager[Run]:
    artifact = lane.artifact_of(record, cell)
    given = next(iter(inputs_of(cell.subject, artifact, PROBES[:1])))
    return begun(lane, cell, artifact, given.opencv, threads)


@contextlib.contextmanager
def begun(lane: Lane, cell: Cell, artifact: Artifact, feed: Feed, threads: int) -> Iterator[Run]:
    """Give a network that a fresh worker has loaded for so many threads and run a few times, if it still works.

    Neither the first forward nor the memory then depends on what ran before. The worker is left as others expect it.
    """
    worker = lane.worker(cell.seat)
    worker.renew()
    run = lane.begin(cell, artifact, threads=threads)
    warmed(run, feed)
    try:
        yield run
    finally:
        if worker.running:
            run.threads(_USUAL_THREADS)


def warmed(run: Run, feed: Feed) -> None:
    """Run a network that was just loaded a few times: what it allocates and chooses at first is not to be timed."""
    for _ in range(_WARM_UP):
        run.forward([feed])


def passes_of(run: Run) -> Passes:
    """Return how to time a worker's network."""

    def passes(repeats: int) -> Sequence[float] | None:
        run.time(repeats)
        return run.observed().observation.forward_ms if run.works else None

    return passes


def repeats_for(passes: Passes) -> int:
    """Return how many passes make a turn; these first ones warm up."""
    times = passes(_WARM_UP)
    return max(1, min(_MOST_REPEATS, round(_ROUND_SECONDS * 1000 / max(median(times), 1e-3)))) if times else 1


def in_turns(sides: Sequence[tuple[Passes, int]], rounds: int) -> list[list[tuple[float, ...]]] | None:
    """Time some sides one right after the other, with so many passes a turn each, round after round.

    Returns, for each side, the milliseconds of each round's passes; None where one failed. Who goes first changes from
    round to round: going after another one may have its own price.
    """
    found: list[list[tuple[float, ...]]] = [[] for _ in sides]
    for number in range(rounds):
        for step in range(len(sides)):
            place = (number + step) % len(sides)
            passes, repeats = sides[place]
            times = passes(repeats)
            if not times:
                return None
            found[place].append(tuple(max(ms, _LEAST_MS) for ms in times))
    return found
