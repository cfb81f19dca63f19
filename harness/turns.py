"""Two releases timed in turns on the same cells, in the same minutes, with the same file and the same input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from harness.differing import key_of
from harness.feeding import inputs_of
from harness.inputs import PROBES
from harness.lane import Lane
from harness.observing import Run
from harness.pace import Pace, pace
from harness.records import Outcome, Record
from harness.session import Session
from harness.subjects import Cell

ROUNDS = 15
_ROUND_SECONDS = 0.02
"""What one turn should take: long against a clock's tick, short against the machine's drifts."""
_MOST_REPEATS = 200
_WARM_UP = 3

Timed = tuple[Record, Cell]
"""A record that is ok, and its cell."""


def pairs_of(before: Iterable[Timed], after: Iterable[Timed]) -> list[tuple[Timed, Timed]]:
    """Return what works on both sides, so that its times can be held against each other."""
    later = {key_of(record): (record, cell) for record, cell in after if record.outcome is Outcome.OK}
    works = ((record, cell) for record, cell in before if record.outcome is Outcome.OK)
    return [(one, later[key_of(one[0])]) for one in works if key_of(one[0]) in later]


def timed_in_turns(
    session: Session, pairs: Iterable[tuple[Timed, Timed]], step: Callable[[str], None]
) -> Iterator[Pace]:
    """Yield the pace of each pair that can still be timed, one after another: nothing of ours runs beside it."""
    with session.lane() as lane:
        for before, after in pairs:
            found = _pace(lane, before, after)
            step(str(key_of(before[0])))
            if found is not None:
                yield found


def _pace(lane: Lane, before: Timed, after: Timed) -> Pace | None:
    runs = [_begun(lane, *side) for side in (before, after)]
    if None in runs:
        return None
    sides = [(run, _repeats(run)) for run in runs if run is not None]
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS):
        # Who goes first changes from round to round: going second may have its own price.
        for place in (0, 1) if number % 2 == 0 else (1, 0):
            run, repeats = sides[place]
            median = _turn(run, repeats)
            if median is None:
                return None
            times[place].append(median)
    key = key_of(before[0])
    return pace(key.case, key.route, key.engine, *times)


def _begun(lane: Lane, record: Record, cell: Cell) -> Run | None:
    """Return a network that is loaded and has run once; None where that does not work any more."""
    artifact = lane.artifact_of(record, cell)
    feed = next(iter(inputs_of(cell.subject, artifact, PROBES[:1]))).opencv
    run = lane.begin(cell, artifact)
    for _ in range(_WARM_UP):
        run.forward(0, 1, feed)
    return run if run.works else None


def _repeats(run: Run) -> int:
    median = _turn(run, _WARM_UP) or 0.0
    return max(1, min(_MOST_REPEATS, round(_ROUND_SECONDS * 1000 / max(median, 1e-3))))


def _turn(run: Run, repeats: int) -> float | None:
    """Return the median milliseconds of some forward passes; None where one failed."""
    run.time(repeats)
    times = sorted(run.observed().observation.forward_ms)
    return max(times[len(times) // 2], 1e-6) if run.works and times else None
