"""Run the ONNX backend tests on every OpenCV asked for: the way of a case from its files to its record.

Inputs go as ONNX has them, in their own dtype; a crash is an answer like others. What is not right is run again before
it counts: all such cases of a release together, in fresh workers and in the opposite order, so that what ran before
decides nothing (one at a time, each in a worker of its own, that would take minutes). Where an operator then gives
other numbers each time, its cases that were right are run again too: OpenCV 4.14's Gemm reads memory that nobody wrote,
and is right by luck.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from harness.cells.lane import Lane
from harness.cells.subjects import Seat
from harness.effects import fingerprint
from harness.effects.network_run import Observed
from harness.effects.observing import OpenCV
from harness.effects.operator_corpus import Corpus, DataSet, manifest, provide
from harness.operators import (
    MESSAGE_CHARACTERS,
    STDERR_CHARACTERS,
    Answer,
    OperatorCase,
    OperatorCell,
    OperatorPlan,
    OperatorRecord,
)
from harness.pure.diagnose import diagnose
from harness.pure.operator_judging import OperatorVerdict, inexpressible, judge, refused, unsteady
from harness.records import Target
from harness.usecases.session import Session

_TOGETHER = 32
"""Cases that a lane takes at once: enough that taking costs nothing, few enough that lanes end together."""
_GOOD = frozenset({Answer.OK, Answer.WRONG_DTYPE, Answer.WRONG_SHAPE})
"""Strict answers of what ran: with right values (the lenient answer is `ok`) there is nothing to repeat."""

OnRecord = Callable[[OperatorRecord], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """One attempt at a case."""

    case: OperatorCase
    verdict: OperatorVerdict
    observed: Observed
    seconds: float
    steady: bool = True
    """Whether the same model gave the same again, where it was run twice in a row."""

    @property
    def settled(self) -> bool:
        """Whether the first attempt is the last."""
        kept = self.verdict.strict in {Answer.NOT_EXPRESSIBLE, Answer.ROUTE_ABSENT}
        return kept or self.right

    @property
    def right(self) -> bool:
        """Whether the values are what they should be."""
        return self.verdict.lenient is Answer.OK and self.verdict.strict in _GOOD


class OperatorTests:
    """The backend tests that a glob chooses, on the targets of a session."""

    def __init__(self, session: Session, wanted: str = "*") -> None:
        """Read the corpus, which a child writes the first time. Raises UsageError where the glob matches nothing."""
        self._session = session
        self.corpus: Corpus = provide(session.store)
        self.cases = self.corpus.select(wanted)
        self.targets = session.targets()

    def plan(self, command: str) -> OperatorPlan:
        """Return what a run will do: every case on every target."""
        return OperatorPlan(
            cells=tuple(OperatorCell.of(case, target) for target in self.targets.values() for case in self.cases),
            fingerprint=fingerprint.combine(
                self.corpus.key,
                fingerprint.host(),
                *(repr(target) for target in self.targets.values()),
            ),
            corpus=self.corpus.source,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            command=command,
        )

    def run(self, on_record: OnRecord, finished: Sequence[OperatorRecord] = ()) -> None:
        """Judge every case on one release after another, over `jobs` lanes; `on_record` gets each as it ends.

        A case that was right by luck comes a second time; the later record counts. What `finished` holds is left out.
        Raises the first error of a lane.
        """
        done = {record.cell for record in finished}
        for seat, target in self.targets.items():
            left = [case for case in self.cases if OperatorCell.of(case, target) not in done]
            self._run_on(seat, target, left, on_record)

    def _run_on(self, seat: Seat, target: Target, cases: Sequence[OperatorCase], on_record: OnRecord) -> None:
        right: dict[str, list[_Tried]] = defaultdict(list)
        doubtful: list[_Tried] = []
        unsteady_operators: set[str] = set()

        def first(lane: Lane, group: Sequence[OperatorCase]) -> Iterator[_Tried]:
            return (self._attempt(lane.worker(seat), case) for case in group)

        def take(tried: _Tried) -> None:
            if not tried.settled:
                doubtful.append(tried)
                return
            if tried.right:
                right[tried.case.operator].append(tried)
            on_record(_record(tried, target, repeated=False))

        def settle(tried: _Tried) -> None:
            if tried.verdict.strict is Answer.NONDETERMINISTIC:
                unsteady_operators.add(tried.case.operator)
            on_record(_record(tried, target, repeated=True))

        groups = [cases[start : start + _TOGETHER] for start in range(0, len(cases), _TOGETHER)]
        self._session.over_lanes(groups, first, take)
        self._repeat(seat, doubtful, settle)
        lucky = [tried for operator in sorted(unsteady_operators - {""}) for tried in right[operator]]
        self._repeat(seat, lucky, settle)

    def _repeat(self, seat: Seat, before: Sequence[_Tried], on_tried: Callable[[_Tried], None]) -> None:
        """Attempt cases again, in the opposite order and in fresh workers, and settle what they are."""

        def again(lane: Lane, group: Sequence[_Tried]) -> Iterator[_Tried]:
            worker = lane.worker(seat)
            worker.renew()
            for tried in group:
                attempt = self._attempt_twice if tried.right else self._attempt
                yield _agreed(tried, attempt(worker, tried.case))

        lanes = max(1, min(self._session.settings.jobs, len(before) // _TOGETHER))
        backwards = before[::-1]
        shares = [backwards[start::lanes] for start in range(lanes)]
        self._session.over_lanes([share for share in shares if share], again, on_tried)

    def _attempt_twice(self, worker: OpenCV, case: OperatorCase) -> _Tried:
        """Attempt a case two times in a row; the numbers of both must agree."""
        tried = self._attempt(worker, case)
        again = self._attempt(worker, case)
        return replace(tried, steady=_alike(tried, again), seconds=tried.seconds + again.seconds)

    def _attempt(self, worker: OpenCV, case: OperatorCase) -> _Tried:
        started = time.perf_counter()
        data_sets = self.corpus.data_sets(case)
        feeds = [inputs for inputs, _ in data_sets]
        observed = worker.observe(manifest(case), self.corpus.model(case), feeds)
        verdict = _verdict(case, observed, data_sets)
        return _Tried(case=case, verdict=verdict, observed=observed, seconds=time.perf_counter() - started)


def _verdict(case: OperatorCase, observed: Observed, data_sets: Sequence[DataSet]) -> OperatorVerdict:
    failure = diagnose(observed.observation)
    if failure is not None:
        return refused(failure)
    if case.not_expressible:
        return inexpressible(case)
    return judge(case, observed.outputs, [expected for _, expected in data_sets])


def _agreed(before: _Tried, again: _Tried) -> _Tried:
    """Return the second attempt, or that the two differ."""
    # SIGKILL comes from outside (a person, the kernel short of memory): it says nothing of the model.
    killed = before.observed.observation.signal == "SIGKILL"
    if killed or (again.steady and before.verdict.fingerprint == again.verdict.fingerprint and _alike(before, again)):
        return again
    return replace(again, verdict=unsteady(before.verdict, again.verdict))


def _alike(one: _Tried, other: _Tried) -> bool:
    """Whether two attempts gave the same numbers, within what is allowed of OpenCV; or none both times."""
    first, second = one.observed.outputs, other.observed.outputs
    if len(first) != len(second):
        return False
    case = replace(one.case, output_dtypes=one.case.output_dtypes[: len(first)])
    return judge(case, second, first).lenient is Answer.OK


def _record(tried: _Tried, target: Target, *, repeated: bool) -> OperatorRecord:
    case, verdict, seen = tried.case, tried.verdict, tried.observed.observation
    return OperatorRecord(
        case=case.id,
        target=replace(target, engine_used=seen.engine_used),
        operator=case.operator,
        opset=case.opset,
        expanded=case.expanded,
        strict=verdict.strict,
        lenient=verdict.lenient,
        max_abs=verdict.max_abs,
        excess=verdict.excess,
        stage=verdict.stage,
        op=verdict.op,
        message=verdict.message and verdict.message[:MESSAGE_CHARACTERS],
        signal=verdict.signal,
        data_sets=len(case.input_dtypes),
        opsets=case.opsets,
        repeated=repeated,
        seconds=round(tried.seconds, 4),
        stderr=seen.stderr[-STDERR_CHARACTERS:],
    )
