"""The self-test: faults planted in every case of a tier, and further inputs on clean ones, counted. Prints nothing."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from harness.cells.lane import Lane
from harness.cells.subjects import Cell
from harness.detection import Detection, FalseAlarm, KindCount, Threshold
from harness.errors import UsageError
from harness.pure.faults import catalogue
from harness.records import Outcome
from harness.usecases.clean import clean_cells
from harness.usecases.planted import EXCESSES, ROUTE, Examiner, Findings, Trial
from harness.usecases.session import Session, shown_versions

OnCase = Callable[[str], None]
"""Called with the name of each case that is done."""


def cells_of(session: Session, wanted: str) -> tuple[Cell, ...]:
    """Return one cell per case of a tier or glob: route `onnx` on the one OpenCV of the settings."""
    if len(session.settings.opencv) != 1:
        raise UsageError(f"the self-test runs on one OpenCV, not on {', '.join(session.settings.opencv)}; name one")
    return tuple(cell for cell in session.plan_zoo(wanted).cells if cell.route == ROUTE)


def plant_faults(session: Session, cells: Sequence[Cell], on_case: OnCase) -> tuple[Findings, ...]:
    """Return what was found in each case, by case."""
    found: list[Findings] = []
    examiners: dict[Lane, Examiner] = {}

    def examine(lane: Lane, cell: Cell) -> Iterator[Findings]:
        if lane not in examiners:
            examiners[lane] = ended.enter_context(Examiner(lane, session.store, session.plans()))
        yield examiners[lane].examine(cell)

    def keep(findings: Findings) -> None:
        found.append(findings)
        on_case(findings.case)

    with contextlib.ExitStack() as ended:
        session.over_lanes(cells, examine, keep)
    return tuple(sorted(found, key=lambda findings: findings.case))


def clean_among(cells: Sequence[Cell], findings: Sequence[Findings]) -> tuple[Cell, ...]:
    """Return the cells that were found clean."""
    clean = {case.case for case in findings if case.outcome is Outcome.OK}
    return tuple(cell for cell in cells if cell.subject.id in clean)


def judge_clean_cells(
    session: Session, cells: Sequence[Cell], count: int, on_case: OnCase
) -> tuple[int, tuple[FalseAlarm, ...]]:
    """Judge at least `count` further inputs, spread evenly over the cases; returns how many, and the alarms."""
    each = -(-count // max(1, len(cells)))
    verdicts: list[FalseAlarm | None] = []

    def judge(lane: Lane, cell: Cell) -> Iterator[tuple[str, list[FalseAlarm | None]]]:
        yield cell.subject.id, list(clean_cells(lane, cell, session.plans(), each))

    def keep(done: tuple[str, list[FalseAlarm | None]]) -> None:
        verdicts.extend(done[1])
        on_case(done[0])

    if count:
        session.over_lanes(cells, judge, keep)
    alarms = sorted((alarm for alarm in verdicts if alarm is not None), key=lambda alarm: alarm.reproduce)
    return len(verdicts), tuple(alarms)


def summarise(
    session: Session,
    wanted: str,
    findings: Sequence[Findings],
    clean: tuple[int, tuple[FalseAlarm, ...]],
    command: str,
) -> Detection:
    """Return the self-test's figures."""
    trials = [trial for case in findings for trial in case.trials]
    survivors = [trial.survivor for trial in trials if trial.survivor is not None]
    return Detection(
        opencv=next(iter(session.targets().values())).opencv,
        zoo=wanted,
        cases=sum(case.outcome is Outcome.OK for case in findings),
        left_out={case.case: case.outcome.value for case in findings if case.outcome is not Outcome.OK},
        kinds=tuple(_counts(trials)),
        survivors=tuple(sorted(survivors, key=lambda survivor: survivor.equivalent)),
        thresholds=tuple(_thresholds(pair for case in findings for pair in case.thresholds)),
        clean_cells=clean[0],
        false_alarms=clean[1],
        versions=shown_versions(),
        command=command,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _counts(trials: Sequence[Trial]) -> Iterator[KindCount]:
    """Yield the counts of every kind there is, also of those that could be planted nowhere."""
    for fault in catalogue():
        mine = [trial for trial in trials if trial.kind == fault.kind]
        survivors = [trial.survivor for trial in mine if trial.survivor is not None]
        refused = sum(trial.refused for trial in mine)
        yield KindCount(
            kind=fault.kind,
            meaning=fault.meaning,
            planted=len(mine) - refused,
            detected=sum(trial.detected for trial in mine),
            equivalent=sum(survivor.equivalent for survivor in survivors),
            missed=sum(not survivor.equivalent for survivor in survivors),
            refused=refused,
        )


def _thresholds(pairs: Iterable[tuple[float, bool]]) -> Iterator[Threshold]:
    found = Counter(pairs)
    for excess in EXCESSES:
        detected = found[excess, True]
        yield Threshold(excess=excess, planted=detected + found[excess, False], detected=detected)
