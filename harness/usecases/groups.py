"""What a process of a cluster is asked, and what it answers: a model's cells, judged there as they would be here.

Runs on whatever machine the cluster has. Text in and text out, so that nothing but names of functions is pickled; a
machine whose harness, model or OpenCV is not the one that was planned for refuses, instead of answering for another.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from harness.cases import load_zoos
from harness.cells.subjects import Cell, Subject
from harness.effects import fingerprint
from harness.effects.config import Settings, settle
from harness.encoding import from_json, to_json
from harness.errors import HarnessError, UsageError
from harness.pure.inputs import InputPlan
from harness.records import Record
from harness.sources import SourceKind
from harness.usecases.session import Session


def dask_setup(_worker: object) -> None:
    """Leave Ctrl-C to the host: a terminal sends it to every process. Called by dask where a run started its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All cells of one model, which are judged by one process, so that the model is built once."""

    run: str
    """Whose these cells are: a process keeps one session for each run."""
    cells: tuple[Cell, ...]
    plans: tuple[InputPlan, ...]
    settings: Settings
    model: str
    """Digest of what the model is made from, on the machine that planned."""
    own_store: bool
    """Whether artifacts are kept where that machine's settings say, not where those of the run do."""
    properties: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a group."""

    records: tuple[Record, ...]
    tensorflow_started: bool


@cache
def harness_digest() -> str:
    """Return the digest of this process's harness: its code and the packages that results depend on."""
    return fingerprint.combine(fingerprint.exporter(), fingerprint.host())


def check_harness(digest: str) -> str:
    """Return a sentence about this process's harness where it is not the one with this digest; else nothing."""
    if digest == harness_digest():
        return ""
    return (
        f"{socket.gethostname()} runs another opencv-dnn-harness, or other releases of TensorFlow or ONNX, than the "
        "host; install the same requirements.txt there and start its workers anew"
    )


def judge(digest: str, text: str) -> str:
    """Judge a `Group`; both it and the `Answer` are JSON. Raises HarnessError where it cannot be judged here."""
    try:
        if refusal := check_harness(digest):
            raise UsageError(refusal)
        return to_json(_answer(from_json(text, Group)))
    except HarnessError as error:  # named by its base, for not all of them can be pickled
        kind = UsageError if isinstance(error, UsageError) else HarnessError
        raise kind(f"{socket.gethostname()}: {error}") from None


def end(run: str) -> None:
    """End a run's session in this process, and with it the children; a group under way stops after its cell."""
    _sessions.end(run)


def _answer(group: Group) -> Answer:
    records = []
    with _sessions.lend(group) as kept:
        _check_model(group.cells[0].subject, group.model)
        _check_targets(kept.session, group.cells)
        # Of the targets looked at just now. Their deadlines are the settings' own: how long a cell took on the host
        # says little of another machine.
        with kept.session.offline_lane() as lane:
            for cell in group.cells:
                if kept.ended:
                    break
                records.append(lane.judge(cell, group.plans, properties=group.properties))
        return Answer(records=tuple(records), tensorflow_started=kept.session.tensorflow_started)


def _check_model(subject: Subject, digest: str) -> None:
    source = subject.source
    absent = source.kind is SourceKind.CASE and subject.id not in {case.id for case in load_zoos(source.zoo)}
    if absent or (subject.fingerprint() or "") != digest:
        raise UsageError(
            f"the model {subject.id} is {'absent' if absent else 'another one'} here; install the same release of the "
            f"zoo ({', '.join(source.zoo)}) as on the host, and start the cluster's workers anew"
        )


def _check_targets(session: Session, cells: tuple[Cell, ...]) -> None:
    for seat, planned in {cell.seat: cell.target for cell in cells}.items():
        here = session.seats.place(seat, session.settings).target
        if here != planned:
            raise UsageError(f"--opencv {seat} is {here} here, but {planned} on the host; install the same on both")


@dataclass(slots=True, kw_only=True)
class _Kept:
    """A run's session in this process."""

    session: Session
    users: int = 0
    ended: bool = False


@dataclass(slots=True, kw_only=True)
class _Sessions:
    """The sessions of this process: children outlive a group, since starting TensorFlow takes longer than most."""

    _kept: dict[str, _Kept] = field(default_factory=dict)
    _guard: threading.RLock = field(default_factory=threading.RLock)

    @contextlib.contextmanager
    def lend(self, group: Group) -> Iterator[_Kept]:
        """Give the session of a group's run; idle ones of other runs, whose host may be gone, are ended."""
        with self._guard:
            for run in [run for run, kept in self._kept.items() if run != group.run and not kept.users]:
                self.end(run)
            if group.run not in self._kept:
                self._kept[group.run] = _Kept(session=Session(_settings(group)))
            kept = self._kept[group.run]
            kept.users += 1
        try:
            yield kept
        finally:
            with self._guard:
                kept.users -= 1

    def end(self, run: str) -> None:
        with self._guard:
            kept = self._kept.pop(run, None)
        if kept is not None:
            kept.ended = True
            kept.session.close()


def _settings(group: Group) -> Settings:
    """Return the settings to judge a group by; expectations and kept inputs are the host's affair."""
    store = settle({}, start=Path.cwd()).store if group.own_store else group.settings.store
    return replace(group.settings, store=store, expectations=(), regressions=None, scheduler=None, jobs=1)


_sessions = _Sessions()
