"""What is left when a run is stopped in its middle: every finished record, no process, and a run that resumes."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from harness.effects.store import RunDirectory
from harness.errors import ExitCode
from harness.records import Outcome, Record
from tests.integration.conftest import PATIENCE_SECONDS, CommandLine, await_that, environment_with

ROUTES = ("pb", "onnx")
CELLS = [(f"held/{case}", route) for case in ("a-first", "b-held", "c-last") for route in ROUTES]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRun:
    """A run of `held_zoo`, which stops in its middle while the hold is there."""

    command_line: CommandLine
    folder: Path
    hold: Path

    @property
    def arguments(self) -> list[str]:
        out = ["--out", str(self.folder)]
        return ["run", "--zoo", "full", "--dnn-zoo", "held_zoo", "--jobs", "1", "--route", ",".join(ROUTES), *out]

    @contextmanager
    def until_held(self) -> Iterator[psutil.Popen]:
        """Start, and go on when the first case is recorded and the second is being built."""
        self.hold.touch()
        argv = self.command_line.argv(*self.arguments)
        pipe = subprocess.PIPE
        environment = self.command_line.environment
        with psutil.Popen(
            argv, env=environment, cwd=self.hold.parent, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        ) as host:
            try:
                await_that(lambda: self.hold.with_suffix(".reached").exists() or host.poll() is not None)
                assert host.poll() is None, host.communicate()
                yield host
            finally:
                self.hold.unlink(missing_ok=True)
                if host.poll() is None:
                    host.kill()

    def resume(self) -> subprocess.CompletedProcess[str]:
        self.hold.unlink(missing_ok=True)
        return self.command_line(*self.arguments, cwd=self.hold.parent)

    def records(self) -> list[Record]:
        return sorted(RunDirectory(self.folder).records(), key=lambda record: (record.case, -ord(record.route[0])))


@pytest.fixture
def held(tmp_path: Path, site_packages: Path) -> HeldRun:
    hold = tmp_path / "hold"
    # A store for each test: the held case must be built anew.
    environment = environment_with(tmp_path / "store", Path(__file__).parent, site_packages) | {"HELD_ZOO": str(hold)}
    return HeldRun(command_line=CommandLine(environment=environment), folder=tmp_path / "out", hold=hold)


def cells(records: list[Record]) -> list[tuple[str, str]]:
    return [(record.case, record.route) for record in records]


def assert_gone(processes: list[psutil.Process]) -> None:
    assert processes  # an exporter and a worker at the least
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert [process.cmdline() for process in alive] == []


def assert_resumed(held: HeldRun, done: subprocess.CompletedProcess[str], *, finished: int = 2) -> None:
    """The finished records were kept, everything else was done, and all of it is fine."""
    assert done.returncode == ExitCode.OK, done.stderr
    assert f"resuming: {finished} of 6 cells are finished" in done.stderr
    records = held.records()
    assert cells(records) == CELLS
    assert {record.outcome for record in records} == {Outcome.OK}
    assert json.loads((held.folder / "finished.json").read_text())["complete"] is True


def test_ctrl_c_keeps_what_is_finished_and_the_same_command_resumes(held):
    with held.until_held() as host:
        children = host.children(recursive=True)
        host.send_signal(signal.SIGINT)
        _, stderr = host.communicate(timeout=PATIENCE_SECONDS)
    assert host.returncode == ExitCode.INTERRUPTED
    assert "interrupted; finished records are kept" in stderr
    assert "Traceback" not in stderr
    assert_gone(children)
    assert cells(held.records()) == CELLS[:2]
    page = (held.folder / "index.html").read_text()  # what there is can be looked at
    assert "held/a-first" in page
    assert_resumed(held, held.resume())


def test_a_killed_host_takes_its_children_along_and_keeps_what_is_whole(held):
    with held.until_held() as host:
        children = host.children(recursive=True)
        host.kill()
        host.wait(10)
        assert_gone(children)
    assert cells(held.records()) == CELLS[:2]
    (shard,) = (held.folder / "records").glob("*.jsonl")
    with shard.open("r+b") as stream:  # as if the kill had come while the last record was written
        stream.truncate(shard.stat().st_size - 40)
    assert cells(held.records()) == CELLS[:1]
    assert_resumed(held, held.resume(), finished=1)


def test_a_worker_killed_at_work_costs_one_repetition(held):
    with held.until_held() as host:
        (worker,) = [child for child in host.children() if "worker.py" in " ".join(child.cmdline())]
        worker.suspend()  # so that the next request surely is under way when it dies
        held.hold.unlink()
        await_that(lambda: waiting_for_export_to_end(host))
        worker.kill()
        _, stderr = host.communicate(timeout=PATIENCE_SECONDS)
    assert host.returncode == ExitCode.OK, stderr
    assert cells(held.records()) == CELLS
    assert {record.outcome for record in held.records()} == {Outcome.OK}


def waiting_for_export_to_end(host: psutil.Process) -> bool:
    """Whether the held case was exported, so that the host has turned to the worker."""
    store = Path(host.environ()["DNN_HARNESS_STORE"])
    if len(list(store.rglob("manifest.json"))) < 3:
        return False
    time.sleep(0.3)
    return True


def test_a_killed_exporter_costs_a_cell_not_the_run(held):
    with held.until_held() as host:
        (exporter,) = [child for child in host.children() if "harness.export" in " ".join(child.cmdline())]
        exporter.kill()
        held.hold.unlink()
        host.communicate(timeout=PATIENCE_SECONDS)
    outcomes = {(record.case, record.route): record.outcome for record in held.records()}
    assert list(outcomes) == CELLS
    assert outcomes.pop(CELLS[2]) == Outcome.HARNESS_ERROR  # never a verdict on the model
    assert set(outcomes.values()) == {Outcome.OK}
    assert host.returncode == ExitCode.FAILED


def test_a_full_disk_is_named_and_nothing_is_damaged(held):
    with held.until_held() as host:
        (shard,) = (held.folder / "records").glob("*.jsonl")
        # The host can write no file beyond what its records have by now; its children can.
        resource.prlimit(host.pid, resource.RLIMIT_FSIZE, (shard.stat().st_size, resource.RLIM_INFINITY))
        children = host.children(recursive=True)
        held.hold.unlink()
        _, stderr = host.communicate(timeout=PATIENCE_SECONDS)
    assert host.returncode == ExitCode.INTERNAL
    assert "Traceback" not in stderr
    error = next(line for line in stderr.splitlines() if line.startswith("error: "))
    assert "cannot write" in error
    assert os.strerror(27) in error  # EFBIG
    assert str(held.hold.parent) in error
    assert_gone(children)
    assert cells(held.records()) == CELLS[:2]
    assert_resumed(held, held.resume())


def test_a_full_disk_under_the_store_is_named(held):
    with held.until_held() as host:
        resource.prlimit(host.pid, resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
        held.hold.unlink()
        _, stderr = host.communicate(timeout=PATIENCE_SECONDS)
    assert host.returncode == ExitCode.INTERNAL
    assert "Traceback" not in stderr
    assert "cannot write" in stderr
    assert cells(held.records()) == CELLS[:2]
