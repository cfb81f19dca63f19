from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cells.subjects import Cell
from harness.effects.config import settle
from harness.errors import HarnessError, UsageError
from harness.records import CellId, Outcome, Record
from harness.usecases import groups, scheduling
from harness.usecases.session import Session

distributed = pytest.importorskip("distributed")  # optional: `pip install 'opencv-dnn-harness[cluster]'`


@pytest.fixture
def cluster(tmp_path, monkeypatch) -> Iterator[Any]:
    """A scheduler with a worker, both threads of this process."""
    monkeypatch.setenv("DNN_HARNESS_STORE", str(tmp_path / "store"))
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        yield cluster


@pytest.fixture
def settings(tmp_path, warm_zoo):
    options = {"zoo": warm_zoo, "store": str(tmp_path / "store"), "route": "onnx", "draws": 0, "repeats": 1, "jobs": 2}
    return settle(options, start=tmp_path, environ={})


@pytest.fixture
def session(settings, cluster) -> Iterator[Session]:
    with Session(replace(settings, scheduler=cluster.scheduler_address)) as session:
        yield session


def ran(session: Session, cells: Sequence[Cell]) -> dict[str, Record]:
    records: list[Record] = []
    scheduling.run(session, cells, records.append)
    assert len(records) == len(cells)
    return {record.case: timeless(record) for record in records}


def timeless(record: Record) -> Record:
    return replace(record, seconds={}, latency=None, stderr=re.sub(r"@\d+\.\d+", "", record.stderr))


def test_a_cluster_answers_as_this_process_does(session, settings, warm_cells):
    with Session(settings) as here:
        at_home = ran(here, warm_cells)
    assert {record.outcome for record in at_home.values()} == {Outcome.OK, Outcome.UNSUPPORTED_OP, Outcome.MISMATCH}
    assert ran(session, warm_cells) == at_home
    assert not session.tensorflow_started
    assert groups._sessions._kept == {}


def test_nothing_to_run_needs_no_cluster(settings):
    with Session(replace(settings, scheduler="tcp://127.0.0.1:1")) as session:
        scheduling.run(session, (), pytest.fail)


def test_an_interruption_ends_what_is_queued_and_under_way(session, warm_cells):
    def interrupt(_: Record) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scheduling.run(session, warm_cells, interrupt)
    assert groups._sessions._kept == {}


def test_cells_the_cluster_says_nothing_of_are_reported_all_the_same(session, monkeypatch, warm_cells):
    monkeypatch.setattr(groups, "_answer", lambda _: groups.Answer(records=(), tensorflow_started=True))
    record = ran(session, warm_cells[:1])["nets/a"]
    assert (record.outcome, record.message) == (Outcome.HARNESS_ERROR, "the cluster answered without it")
    assert session.tensorflow_started


def test_an_error_of_a_machine_reaches_the_caller(session, tmp_path, monkeypatch, warm_cells):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DNN_HARNESS_STORE", str(tmp_path / "file"))
    with pytest.raises(HarnessError, match="cannot write below"):
        ran(session, warm_cells[:1])


def test_a_worker_with_another_harness_is_refused_before_anything_is_sent(session, monkeypatch, warm_cells):
    digests = iter("abc")
    monkeypatch.setattr(groups, "harness_digest", lambda: next(digests))
    with pytest.raises(UsageError, match=r"worker tcp://.* runs another opencv-dnn-harness"):
        ran(session, warm_cells[:1])


class _LostFuture:
    def result(self) -> None:
        raise distributed.CancelledError("scheduler-connection-lost")


def test_a_scheduler_that_is_lost_is_named_with_what_to_do(settings):
    with Session(replace(settings, scheduler="tcp://head:1")) as session:
        dispatch = scheduling._Dispatch(None, session, pytest.fail)
        with pytest.raises(HarnessError, match="tcp://head:1, or every worker it had, was lost; finished"):
            dispatch._result(_LostFuture())


class _Client:
    """A client whose one worker answers with an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def run(self, *_: object, **__: object) -> dict[str, Any]:
        return {"tcp://w:1": self._error}


def test_a_worker_without_a_harness_or_voice_is_named():
    with pytest.raises(UsageError, match=r"tcp://w:1 has no such opencv-dnn-harness \(No module named 'harness'\)"):
        scheduling._muster(_Client(ModuleNotFoundError("No module named 'harness'")))
    with pytest.raises(HarnessError, match="tcp://w:1 does not answer: gone; end it"):
        scheduling._muster(_Client(OSError("gone")))


def test_a_scheduler_that_is_not_there_is_the_users_error(settings, monkeypatch, warm_cells):
    monkeypatch.setattr(scheduling, "CONNECT_SECONDS", 0.2)
    with (
        Session(replace(settings, scheduler="tcp://127.0.0.1:1")) as session,
        pytest.raises(UsageError, match=r"--scheduler tcp://127.0.0.1:1 cannot be used: .*; start `dask scheduler`"),
    ):
        ran(session, warm_cells[:1])


def test_a_scheduler_of_no_known_kind_is_the_users_error(settings, warm_cells):
    with (
        Session(replace(settings, scheduler="pigeon://x:1")) as session,
        pytest.raises(UsageError, match=r"--scheduler pigeon://x:1 cannot be used: .*pigeon"),
    ):
        ran(session, warm_cells[:1])


def test_a_scheduler_without_workers_is_the_users_error(session, cluster, monkeypatch, warm_cells):
    monkeypatch.setattr(scheduling, "CONNECT_SECONDS", 0.5)
    cluster.scale(0)
    with distributed.Client(cluster, set_as_default=False) as client:
        client.retire_workers()
    with pytest.raises(UsageError, match=r"cannot be used: .*; start .*`dask worker tcp://.*` on each machine"):
        ran(session, warm_cells[:1])


@pytest.mark.parametrize("absent", ["distributed", "dask.config"])
def test_a_package_that_is_missing_is_named(settings, monkeypatch, absent, warm_cells):
    monkeypatch.setitem(sys.modules, absent, None)
    with (
        Session(replace(settings, scheduler="local")) as session,
        pytest.raises(UsageError, match=r"--scheduler needs dask.distributed: .*`pip install 'opencv-dnn-harness\["),
    ):
        ran(session, warm_cells[:1])


# -- processes --------------------------------------------------------------------------------------------------------


@contextmanager
def fatal_to_its_parent(folder: Path) -> Iterator[Path]:
    """An interpreter whose OpenCV kills who started it, when it loads a model with an op Foo.

    Who that is it asks before anything is loaded, which happens in a fork of it.
    """
    python = folder / "fatal-python"
    lines = [
        f"#!{sys.executable}",
        "import os, runpy, sys, cv2",
        "started_by, load = os.getppid(), cv2.dnn.readNetFromONNX",
        "def fatal(model, *more):",
        "    data = open(model, 'rb').read() if isinstance(model, str) else bytes(model)",
        "    if b'Foo' in data: os.kill(started_by, 9)",
        "    return load(model, *more)",
        "cv2.dnn.readNetFromONNX = fatal",
        "del sys.argv[0]",
        "runpy.run_path(sys.argv[0], run_name='__main__')",
    ]
    python.write_text("\n".join(lines))
    python.chmod(0o755)
    yield python


def test_a_cell_that_kills_every_worker_is_a_record_and_takes_no_other_with_it(settings, tmp_path, monkeypatch):
    # At the first death already: what dask itself does until then is its own affair, and takes a process to start.
    monkeypatch.setitem(scheduling._LOCAL_CONFIG, "distributed.scheduler.allowed-failures", 0)
    with fatal_to_its_parent(tmp_path) as python:
        targets = ("installed", f"path:{python}")
        with Session(replace(settings, scheduler="local", opencv=targets)) as session:
            plan = session.plan_zoo("nets/[ao]*")
            records: list[Record] = []
            scheduling.run(session, plan.cells, records.append)
    assert sorted(map(str, map(CellId.of, records))) == sorted(map(str, plan.ids))
    found = {(record.case, "path:" in record.reproduce): record for record in records}
    assert {cell: record.outcome for cell, record in found.items()} == {
        ("nets/a", False): Outcome.OK,
        ("nets/a", True): Outcome.OK,
        ("nets/odd", False): Outcome.UNSUPPORTED_OP,
        ("nets/odd", True): Outcome.HARNESS_ERROR,
    }
    assert found["nets/odd", True].message.startswith("every worker that judged it died")
