"""A cluster of processes with a store each and one that they share: they judge as one machine does, whoever dies."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.cli import main
from harness.effects.config import settle
from harness.effects.store import RunDirectory
from harness.errors import ExitCode
from harness.records import CellId, Outcome, Record
from harness.usecases import scheduling
from harness.usecases.planning import Plan
from harness.usecases.session import Session
from tests.integration.test_interruption import assert_gone, await_that

distributed = pytest.importorskip("distributed")  # optional: `pip install 'opencv-dnn-harness[cluster]'`
pytest.importorskip("fsspec")
pytestmark = pytest.mark.xdist_group("many_machines")  # what the first machine makes is made once

ZOO = "layers/dense/activation-[rs]*"
# An interpreter whose OpenCV, where the environment names a file, loads nothing as long as that file is there.
HELD_PYTHON = f"""#!{sys.executable}
import os, runpy, sys, time, cv2
hold = os.environ.get("TEST_HOLD", "")
def held(load):
    def wait(*model):
        while os.path.exists(hold):
            open(hold + ".reached", "w").close()
            time.sleep(0.02)
        return load(*model)
    return wait
cv2.dnn.readNetFromONNX = held(cv2.dnn.readNetFromONNX)
cv2.dnn.readNetFromTensorflow = held(cv2.dnn.readNetFromTensorflow)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

Judged = dict[CellId, Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """Machines that share a store below a folder, and have one each there."""

    folder: Path

    @contextmanager
    def cluster(self, *environments: Mapping[str, str]) -> Iterator[Any]:
        """Start a scheduler and a machine for each environment: a process that is started anew when it dies."""
        ours = {"nthreads": 1, "dashboard": False, "memory_limit": 0, "host": "127.0.0.1"}
        workers = {
            name: {"cls": distributed.Nanny, "options": {**ours, "env": dict(environment)}}
            for name, environment in enumerate(environments)
        }
        free = {"host": "127.0.0.1", "port": 0, "dashboard_address": "127.0.0.1:0"}
        scheduler = {"cls": distributed.Scheduler, "options": free}
        with distributed.SpecCluster(workers=workers, scheduler=scheduler) as cluster:
            with distributed.Client(cluster, set_as_default=False) as client:
                client.wait_for_workers(len(workers), timeout=60)
            yield cluster

    def store(self, name: str) -> dict[str, str]:
        return {"DNN_HARNESS_STORE": str(self.folder / name)}

    def options(self, name: str) -> dict[str, str]:
        """The settings of a host with a store of its own."""
        common = {"opencv": f"path:{self.folder / 'held-python'}", "route": "onnx,pb", "draws": "1", "repeats": "1"}
        return common | {"shared_store": f"file://{self.folder}/shared", "store": str(self.folder / name), "jobs": "1"}

    def judged(self, name: str, **more: str) -> tuple[Plan, list[Record], bool]:
        """Return what a host plans and gets, and whether TensorFlow was started for it."""
        with Session(settle(self.options(name) | more, start=self.folder, environ={})) as session:
            plan = session.plan_zoo(ZOO)
            records: list[Record] = []
            scheduling.run(session, plan.cells, records.append)
            return plan, records, session.tensorflow_started


def by_cell(records: list[Record]) -> Judged:
    return {CellId.of(record): timeless(record) for record in records}


def timeless(record: Record) -> Record:
    return replace(record, seconds={}, latency=None, stderr=re.sub(r"@\d+\.\d+", "", record.stderr))


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Machines:
    folder = tmp_path_factory.mktemp("machines")
    (folder / "held-python").write_text(HELD_PYTHON)
    (folder / "held-python").chmod(0o755)
    return Machines(folder=folder)


@pytest.fixture(scope="module")
def first(machines: Machines) -> Judged:
    """What the first machine of a cluster judged, which had to make everything."""
    with machines.cluster(machines.store("first")) as cluster:
        plan, records, made = machines.judged("host", scheduler=cluster.scheduler_address)
    assert made
    assert sorted(map(str, by_cell(records))) == sorted(map(str, plan.ids))
    assert len(records) == len(plan.ids)
    assert {record.outcome for record in records} == {Outcome.OK}
    return by_cell(records)


def test_another_machine_finds_what_the_first_made_and_judges_alike(machines, first):
    _, records, made = machines.judged("second")
    assert not made
    assert by_cell(records) == first


def test_the_command_line_judges_alike_on_a_cluster_of_its_own(machines, first, monkeypatch, capsys):
    monkeypatch.chdir(machines.folder)
    options = {**machines.options("third"), "scheduler": "local", "out": "run"}
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    assert main(["run", "--zoo", ZOO, *words]) == ExitCode.OK
    assert by_cell(list(RunDirectory(machines.folder / "run").records())) == first
    assert "TensorFlow was not started" in capsys.readouterr().err


def test_a_machine_that_is_killed_while_it_judges_changes_nothing(machines, first):
    hold = machines.folder / "hold"
    hold.touch()
    held = {**machines.store("fourth"), "TEST_HOLD": str(hold)}
    children: list[psutil.Process] = []

    def kill_when_held(pid: int) -> None:
        await_that(hold.with_suffix(".reached").exists)
        children.extend(psutil.Process(pid).children(recursive=True))
        os.kill(pid, signal.SIGKILL)
        hold.unlink()

    with machines.cluster(held, machines.store("fifth")) as cluster:
        with distributed.Client(cluster, set_as_default=False) as client:
            pids = client.run(os.getpid)
            holds = client.run(os.getenv, "TEST_HOLD")
        (pid,) = [pids[worker] for worker, value in holds.items() if value]
        killer = threading.Thread(target=kill_when_held, args=(pid,))
        killer.start()
        plan, records, made = machines.judged("host", scheduler=cluster.scheduler_address)
        killer.join()
        assert_gone(children)
    assert len(records) == len(plan.ids)
    assert by_cell(records) == first
    assert not made
