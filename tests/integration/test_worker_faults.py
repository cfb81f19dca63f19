"""Planted faults in real workers: each becomes the right observation, and the cell after it does not notice."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from harness.effects.observing import PROTOCOL, OpenCV
from harness.observations import Observation
from harness.records import Stage
from tests.integration import models

PLANT = Path(__file__).with_name("faults") / "plant.py"
X = np.linspace(-1, 1, 105, dtype=np.float32).reshape(models.INPUT_SHAPE)


@pytest.fixture
def sound(tmp_path):
    return models.pointwise(tmp_path / "sound.onnx")


@pytest.fixture
def poisoned(tmp_path):
    return models.pointwise(tmp_path / "poisoned.onnx")


def planted(kind: str, stage: str, **options) -> OpenCV:
    return OpenCV([sys.executable, str(PLANT), kind, stage], **({"memory_bytes": 4 << 30} | options))


def strike(opencv: OpenCV, poisoned: Path, sound: Path) -> Observation:
    """Observe a sound cell, the broken one, and a sound one again, which must not differ from the first."""
    before = opencv.observe(models.manifest(), sound, [[X]])
    broken = opencv.observe(models.manifest(), poisoned, [[X]])
    after = opencv.observe(models.manifest(), sound, [[X]])
    for cell in (before, after):
        assert cell.observation.error is None
        np.testing.assert_array_equal(cell.outputs[0][0], models.pointwise_expected(X))
    assert broken.outputs == ()
    return broken.observation


@pytest.fixture(autouse=True)
def nothing_left_behind():
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    yield
    left = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
    assert [process.cmdline() for process in left] == []


@pytest.mark.parametrize("stage", [Stage.LOAD, Stage.FORWARD])
def test_abort_is_a_signal_at_its_stage(stage, poisoned, sound):
    with planted("abort", stage) as opencv:
        seen = strike(opencv, poisoned, sound)
    assert (seen.stage, seen.signal, seen.exit_status, seen.timed_out_after) == (stage, "SIGABRT", None, None)


def test_crash_with_a_surviving_grandchild_is_noticed_at_once(poisoned, sound):
    with planted("hang_with_grandchild", "forward") as opencv:
        started = time.monotonic()
        seen = strike(opencv, poisoned, sound)
    assert seen.signal == "SIGABRT"
    assert time.monotonic() - started < 30


def test_endless_loop_is_a_timeout(poisoned, sound):
    with planted("hang", "forward", forward_seconds=1.5) as opencv:
        seen = strike(opencv, poisoned, sound)
    assert (seen.stage, seen.timed_out_after, seen.signal) == (Stage.FORWARD, 1.5, None)


@pytest.mark.parametrize(("kind", "ended"), [("abort", ("SIGABRT", None)), ("hang", (None, 1.5))])
def test_what_went_through_before_a_feed_that_ends_the_worker_is_kept(kind, ended, poisoned):
    with planted(kind, "forward:3", forward_seconds=1.5) as opencv:
        seen = opencv.observe(models.manifest(), poisoned, [[X], [-X], [X], [X]])
    assert [feed[0].tolist() for feed in seen.outputs] == [models.pointwise_expected(x).tolist() for x in (X, -X)]
    assert (seen.observation.signal, seen.observation.timed_out_after) == ended
    assert seen.failed_feed == 2


def test_every_feed_has_a_deadline_of_its_own(poisoned):
    with planted("dawdle", "forward", forward_seconds=4) as opencv:
        seen = opencv.observe(models.manifest(), poisoned, [[X]] * 3)  # together they take longer
    assert (len(seen.outputs), seen.observation.timed_out_after) == (3, None)


def test_what_is_said_on_stderr_is_kept_of_every_feed(poisoned):
    with planted("complain", "forward") as opencv:
        seen = opencv.observe(models.manifest(), poisoned, [[X], [X], [X]])
    assert seen.observation.stderr.count("a word") == 3


def test_only_a_cell_s_own_inputs_are_numbered_in_what_opencv_says(poisoned):
    with planted("allocate", "forward:2") as opencv:
        seen = opencv.observe(models.manifest(), poisoned, [[X], [X], [X]])
        run = opencv.begin(models.manifest(), poisoned)
        run.forward([[X], [X], [X]])
    assert seen.observation.error.message.endswith("[input 2 of 3]")
    assert run.observed().failed_feed == 0
    assert "[input" not in run.observed().observation.error.message


@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_what_crashes_as_it_is_freed_is_the_cell_s_own(pause, poisoned, sound):
    with planted("abort_when_freed", "forward") as opencv:
        broken = opencv.observe(models.manifest(), poisoned, [[X], [X]])
        time.sleep(pause)
        after = [opencv.observe(models.manifest(), sound, [[X]]) for _ in range(3)]
    assert (broken.observation.signal, broken.failed_feed, broken.outputs) == ("SIGABRT", 0, ())
    for cell in after:
        assert (cell.observation.signal, cell.observation.error) == (None, None)
        np.testing.assert_array_equal(cell.outputs[0][0], models.pointwise_expected(X))


def test_a_worker_that_ignores_its_alarm_is_killed_a_little_later(poisoned, sound, monkeypatch):
    monkeypatch.setattr("harness.effects.observing._GRACE_SECONDS", 0.5)
    with planted("ignore_the_alarm", "forward", forward_seconds=1.5) as opencv:
        seen = strike(opencv, poisoned, sound)
    assert (seen.stage, seen.timed_out_after, seen.signal) == (Stage.FORWARD, 1.5, None)


def test_of_several_requests_too_the_feed_that_fails_is_named(poisoned, monkeypatch):
    monkeypatch.setattr("harness.effects.network_run._TOGETHER_BYTES", 2 * X.nbytes)
    with planted("allocate", "forward:4") as opencv:
        seen = opencv.observe(models.manifest(), poisoned, [[X]] * 5)
    assert (len(seen.outputs), seen.failed_feed) == (3, 3)
    assert seen.observation.error.message.endswith("[input 4 of 5]")


def test_large_feeds_are_handed_over_in_several_requests(sound, monkeypatch):
    with OpenCV() as opencv:
        together = opencv.observe(models.manifest(), sound, [[X], [-X], [2 * X]])
        monkeypatch.setattr("harness.effects.network_run._TOGETHER_BYTES", 2 * X.nbytes)
        requests, ask_all = [], opencv.ask_all
        monkeypatch.setattr(
            opencv, "ask_all", lambda *asked, **more: requests.append(asked[1]) or ask_all(*asked, **more)
        )
        apart = opencv.observe(models.manifest(), sound, [[X], [-X], [2 * X]])
    assert [request["feeds"] for request in requests if request["do"] == "forward"] == [2, 1]
    assert len(together.outputs) == 3
    np.testing.assert_array_equal(together.outputs, apart.outputs)


@pytest.mark.parametrize(("kind", "memory_bytes"), [("allocate", 4 << 30), ("reserve", 2 << 30)])
def test_too_much_memory_is_refused_and_the_worker_lives(kind, memory_bytes, poisoned, sound):
    with planted(kind, "load", memory_bytes=memory_bytes) as opencv:
        seen = strike(opencv, poisoned, sound)
    assert seen.error is not None
    assert (seen.error.kind, seen.stage) == ("MemoryError", Stage.LOAD)
    assert seen.peak_rss_bytes is not None
    assert seen.peak_rss_bytes < 1 << 30


@pytest.mark.parametrize(
    ("kind", "said"),
    [("garbage", "Segmentation fault"), ("huge_frame", "99999999999999")],
)
def test_nonsense_on_the_reply_pipe_is_a_protocol_error(kind, said, poisoned, sound, monkeypatch):
    monkeypatch.setattr("harness.effects.process.DYING_SECONDS", 0.5)
    with planted(kind, "forward") as opencv:
        seen = strike(opencv, poisoned, sound)
    assert seen.error is not None
    assert seen.error.kind == PROTOCOL
    assert said in seen.error.message


def test_a_worker_that_closes_its_reply_pipe_and_lives_on_is_given_up_at_its_deadline(poisoned, sound):
    with planted("close_stdout", "forward", forward_seconds=1.5) as opencv:
        seen = strike(opencv, poisoned, sound)
    assert (seen.stage, seen.timed_out_after) == (Stage.FORWARD, 1.5)


def test_a_renewed_worker_knows_nothing_of_what_ran_before_and_dies_like_any_other(poisoned, sound):
    with planted("abort", "load") as opencv:
        seen = opencv.observe(models.manifest(), sound, [[X]]).observation
        opencv.renew()
        opencv.identity()
        reply, refused = opencv.ask(seen, {"do": "time", "repeats": 1})
        assert reply is None
        assert refused.error is not None
        assert "no network is loaded" in refused.error.message
        assert strike(opencv, poisoned, sound).signal == "SIGABRT"
        opencv.renew()
        assert opencv.observe(models.manifest(), sound, [[X]]).observation.error is None


def group(leader: int | None) -> list[int]:
    """Return the processes of a group: what a worker leaves behind stays in it, whoever its parent is by now."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(pid) == leader and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


@pytest.mark.parametrize(("much", "loaded"), [(1, False), (1 << 30, True)])
def test_a_worker_at_rest_keeps_what_is_little(much, loaded, sound, monkeypatch):
    monkeypatch.setattr("harness.effects.observing._MUCH_BYTES", much)
    with OpenCV() as opencv:
        seen = opencv.observe(models.manifest(), sound, [[X]]).observation
        before = opencv.pid
        opencv.rest()
        reply, _ = opencv.ask(seen, {"do": "time", "repeats": 1})
        assert (reply is not None) is loaded
        assert opencv.pid == before


def test_an_alarm_is_for_its_own_request_alone(sound):
    with OpenCV(load_seconds=1.0, forward_seconds=1.0) as opencv:
        seen = opencv.observe(models.manifest(), sound, [[X]]).observation
        (fork,) = psutil.Process(opencv.pid).children()
        time.sleep(1.5)
        reply, _ = opencv.ask(seen, {"do": "time", "repeats": 1})
        assert reply is not None
        assert psutil.Process(opencv.pid).children() == [fork]


def test_two_processes_that_only_import_take_turns(sound):
    with OpenCV() as opencv:
        met = []
        for _ in range(4):
            opencv.observe(models.manifest(), sound, [[X]])
            met.append(opencv.pid)
            opencv.renew()
    assert met[0] != met[1], "addresses and untouched memory differ from one attempt to the next"
    assert met[:2] == met[2:], "and nothing is imported again"


@pytest.mark.parametrize("kind", ["abort", "exit_quietly", "hang"])
def test_what_only_imports_outlives_a_crash_and_a_deadline(kind, poisoned, sound):
    with planted(kind, "forward", forward_seconds=1.5) as opencv:
        opencv.identity()
        before = opencv.pid
        strike(opencv, poisoned, sound)
        assert opencv.pid == before


def test_what_is_left_of_a_crash_is_not_left_to_the_next_cell(poisoned, sound):
    with planted("hang_with_grandchild", "forward") as opencv:
        opencv.identity()
        before = opencv.pid
        strike(opencv, poisoned, sound)
        assert opencv.pid != before
        assert group(before) == []


def test_a_worker_that_died_meanwhile_is_renewed_by_another_start(sound):
    with OpenCV() as opencv:
        opencv.observe(models.manifest(), sound, [[X]])
        assert opencv.pid is not None
        os.kill(opencv.pid, signal.SIGKILL)
        opencv.renew()
        assert opencv.observe(models.manifest(), sound, [[X]]).observation.error is None


def test_a_fork_that_is_killed_while_it_reads_is_not_answered_for(sound):
    with OpenCV() as opencv:
        seen = opencv.observe(models.manifest(), sound, [[X]]).observation
        parent = psutil.Process(opencv.pid)
        (fork,) = parent.children()
        fork.suspend()
        threading.Timer(0.3, fork.kill).start()
        reply, ended = opencv.ask(seen, {"do": "threads", "threads": 1})
        assert (reply, ended.signal) == (None, "SIGKILL")
        assert not parent.is_running() or parent.status() == psutil.STATUS_ZOMBIE
        assert opencv.observe(models.manifest(), sound, [[X]]).observation.error is None


def test_a_worker_that_ends_by_itself_gives_status_and_last_words(poisoned, sound):
    with planted("exit_quietly", "load") as opencv:
        seen = strike(opencv, poisoned, sound)
    assert (seen.exit_status, seen.signal, seen.stage) == (7, None, Stage.LOAD)
    assert seen.stderr == "no licence for today\n"


def test_an_exit_that_looks_like_making_room_is_an_exit(poisoned, sound):
    with planted("exit_as_if_retired", "load") as opencv:
        seen = strike(opencv, poisoned, sound)
    assert (seen.exit_status, seen.timed_out_after, seen.stage) == (77, None, Stage.LOAD)


def test_flooded_stderr_keeps_its_end_and_harms_nothing(poisoned):
    with planted("flood", "forward") as opencv:
        seen = opencv.observe(models.manifest(), poisoned, [[X]])
    assert seen.observation.error is None
    assert seen.observation.stderr.endswith("the last words\n")
    assert len(seen.observation.stderr) < 100_000
    np.testing.assert_array_equal(seen.outputs[0][0], models.pointwise_expected(X))


def test_what_native_code_prints_is_stderr_not_protocol(poisoned):
    with planted("print_to_stdout", "load") as opencv:
        seen = opencv.observe(models.manifest(), poisoned, [[X]])
    assert seen.observation.stderr == "printed by native code\n"
    assert len(seen.outputs) == 1


def test_sigkill_from_outside_during_a_request(poisoned, sound):
    with planted("hang", "forward") as opencv:
        opencv.identity()
        worker = next(p for p in psutil.Process().children() if str(PLANT) in p.cmdline())
        threading.Timer(1.0, worker.kill).start()
        seen = strike(opencv, poisoned, sound)
    assert (seen.signal, seen.stage) == ("SIGKILL", Stage.FORWARD)


def test_sigkill_between_two_cells_costs_neither(sound):
    with OpenCV() as opencv:
        opencv.identity()
        worker = next(p for p in psutil.Process().children() if "worker.py" in " ".join(p.cmdline()))
        worker.kill()
        while worker.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        seen = opencv.observe(models.manifest(), sound, [[X]])
    assert seen.observation.signal is None
    assert len(seen.outputs) == 1


HOST = """
import sys
from pathlib import Path
import numpy as np
from harness.effects.observing import OpenCV
from tests.integration import models
with OpenCV([sys.executable, sys.argv[1], "hang", "load"]) as opencv:
    opencv.identity()
    print(opencv.pid, flush=True)
    opencv.observe(models.manifest(), Path(sys.argv[2]), [[np.zeros(models.INPUT_SHAPE, np.float32)]])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_hung_worker_does_not_survive_its_host(number, poisoned):
    command = [sys.executable, "-c", HOST, str(PLANT), str(poisoned)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=root) as host:
        assert host.stdout is not None
        worker = psutil.Process(int(host.stdout.readline()))
        time.sleep(0.5)
        os.kill(host.pid, number)
        host.wait(30)
    until = time.monotonic() + 10
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE and time.monotonic() < until:
        time.sleep(0.02)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
