"""Latency with the real OpenCV, TensorFlow and ONNX Runtime, and with pytest-benchmark in somebody's repository."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from harness.effects.observing import OpenCV
from harness.effects.store import read_shard
from harness.encoding import from_json
from harness.errors import ExitCode
from harness.pure.pace import Speed
from harness.records import TIMING, Outcome, Record
from tests.integration import models
from tests.integration.conftest import PATIENCE_SECONDS, await_that

pytest_plugins = ["pytester"]

PLANT = Path(__file__).with_name("faults") / "plant.py"
X = np.linspace(-1, 1, 105, dtype=np.float32).reshape(models.INPUT_SHAPE)
WITH_ONNXRUNTIME = importlib.util.find_spec("onnxruntime") is not None

# -- the worker ----------------------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path):
    return models.pointwise(tmp_path / "model.onnx")


@pytest.mark.parametrize("engine", ["CLASSIC", "NEW"])
def test_a_worker_tells_the_first_forward_its_threads_and_its_layers(engine, model):
    with OpenCV(engine=engine) as opencv:
        if engine not in opencv.capabilities()["engines"]:
            pytest.skip(f"this OpenCV has no engine {engine}")
        run = opencv.begin(models.manifest(), model, threads=2)
        run.forward([[X]])
        run.forward([[X]])
        first = run.observed().observation
        steps = run.profile(7)
        assert steps is not None
        seen = run.observed().observation
        run.forward([[X]])
    assert (first.threads, first.first_ms is not None, first.forward_ms) == (2, True, ())
    assert seen.first_ms == first.first_ms
    assert len(seen.forward_ms) == len(steps.forward_ms) == 7
    assert steps.ms.shape == (7, len(steps.layers))
    place = [name.removeprefix("onnx_node!") for name, _ in steps.layers].index("conv")
    assert all(type_ for _, type_ in steps.layers)
    assert (steps.ms[:, place] > 0).all()
    assert steps.ms.sum() < sum(steps.forward_ms)
    np.testing.assert_array_equal(run.observed().outputs[-1][0], models.pointwise_expected(X))


def test_opencvs_own_count_is_none_where_it_offers_none(model):
    with OpenCV() as opencv:
        run = opencv.begin(models.manifest(), model)
        run.forward([[X]])
        counts = run.count()
        old = opencv.identity().opencv.startswith("4.")
    assert (counts.flops is not None, counts.weights_bytes is not None) == (old, old)


@pytest.mark.parametrize("kind", ["abort", "exit_quietly"])
def test_a_worker_that_dies_of_the_count_costs_the_count(kind, tmp_path):
    poisoned = models.pointwise(tmp_path / "poisoned.onnx")
    with OpenCV([sys.executable, str(PLANT), kind, "count"]) as opencv:
        run = opencv.begin(models.manifest(), poisoned)
        run.forward([[X]])
        run.time(5)
        counts = run.count()
        seen = run.observed()
        assert (counts.flops, counts.weights_bytes, counts.blobs_bytes) == (None, None, None)
        assert (seen.observation.signal, seen.observation.exit_status, seen.observation.error) == (None, None, None)
        assert len(seen.observation.forward_ms) == 5
        again = opencv.observe(models.manifest(), poisoned, [[X]])
    np.testing.assert_array_equal(again.outputs[0][0], models.pointwise_expected(X))


# -- the command line ----------------------------------------------------------------------------------------------

NETS = """
import keras
from keras import layers

def net():
    x = keras.Input((24, 40, 3), name="image")
    y = layers.Conv2D(8, 3, padding="same", name="first")(x)
    y = layers.BatchNormalization(name="normal")(y)
    y = layers.ReLU(name="bend")(y)
    y = layers.MaxPooling2D(name="pool")(y)
    y = layers.Flatten(name="flat")(y)
    return keras.Model(x, layers.Dense(5, name="last")(y))
"""


def test_check_times_beside_other_runtimes_and_by_layer(dnn_harness, tmp_path):
    (tmp_path / "nets.py").write_text(NETS)
    done = dnn_harness("check", "nets:net", "--route", "onnx,pb", "--latency", "--json", "--threads", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    for record in (from_json(line, Record) for line in done.stdout.splitlines()):
        assert record.outcome is Outcome.OK
        latency = record.latency
        assert latency is not None
        assert latency.threads == 2
        assert latency.first_ms is not None
        assert latency.forward_ms.low <= latency.forward_ms.median <= latency.forward_ms.high
        both = WITH_ONNXRUNTIME and record.route == "onnx"
        assert [one.runtime for one in latency.beside] == ["tensorflow", *(["onnxruntime"] if both else [])]
        for one in latency.beside:
            assert one.low <= one.ratio <= one.high
            assert one.speed in set(Speed)
            assert one.noise >= 1
        profile = latency.profile
        assert profile is not None
        named = {row.layer: row for row in profile.layers if row.layer is not None}
        assert list(named) == ["first", "normal", "bend", "pool", "flat", "last"]
        assert named["first"].ms > 0
        assert all(row.tensorflow_ms is not None for row in named.values())
        assert {row.fused_into for row in named.values()} <= {None, *named}
        assert sum(row.ms for row in profile.layers) == pytest.approx(profile.total_ms, abs=1e-3)
        assert profile.note or profile.total_ms == pytest.approx(profile.forward_ms, rel=0.1)
    shown = dnn_harness("check", "nets:net", "--route", "pb", "--latency", cwd=tmp_path)
    assert "latency in milliseconds, threads: 1, in turns with TensorFlow" in shown.stdout
    assert "ms are spent in layers" in shown.stdout


def test_who_stops_the_timing_of_a_check_gets_what_was_judged(dnn_harness, tmp_path):
    (tmp_path / "nets.py").write_text(NETS)
    with dnn_harness.start("check", "nets:net", "--route", "pb", "--latency", "--json", cwd=tmp_path) as host:
        await_that(lambda: is_timing(host) or host.poll() is not None)
        os.killpg(host.pid, signal.SIGINT)
        stdout, stderr = host.communicate(timeout=PATIENCE_SECONDS)
    assert host.returncode == ExitCode.INTERRUPTED, stderr[-3000:]
    (record,) = (from_json(line, Record) for line in stdout.splitlines())
    assert (record.outcome, record.untimed) == (Outcome.OK, True)
    assert stderr.splitlines()[-1] == "error: interrupted"


def is_timing(host: subprocess.Popen[str]) -> bool:
    """Whether TensorFlow's clock was started: for seconds to come it loads TensorFlow."""
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(host.pid).children()
        return any("harness.export.timing" in " ".join(child.cmdline()) for child in children)
    return False


def test_a_file_without_keras_layers_is_timed_by_opencvs_own(dnn_harness, tmp_path):
    models.pointwise(tmp_path / "net.onnx")
    done = dnn_harness("check", "net.onnx", "--latency", "--json", cwd=tmp_path)
    record = from_json(done.stdout.splitlines()[0], Record)
    assert record.latency is not None, done.stderr[-3000:]
    assert [one.runtime for one in record.latency.beside] == (["onnxruntime"] if WITH_ONNXRUNTIME else [])
    assert record.latency.profile is not None
    assert "conv" in [row.layer for row in record.latency.profile.layers]


def test_a_run_times_after_the_matrix_each_cell_once_also_where_it_was_interrupted(dnn_harness, tmp_path):
    out = tmp_path / "run"
    command = ("run", "--zoo", "layers/dense/activation-*", "--route", "pb", "--out", out, "--latency")
    with dnn_harness.start(*command, cwd=tmp_path) as host:
        await_that(lambda: any(TIMING in record.seconds for record in kept(out)) or host.poll() is not None)
        os.killpg(host.pid, signal.SIGINT)
        _, stderr = host.communicate(timeout=PATIENCE_SECONDS)
    assert host.returncode == ExitCode.INTERRUPTED, stderr[-3000:]
    assert "interrupted; finished records are kept, and the same command resumes" in stderr
    assert json.loads((out / "finished.json").read_text())["complete"] is False
    assert "The run was interrupted" in (out / "index.html").read_text()
    before = kept(out)
    done = dnn_harness(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    cells = len({record.case for record in before})
    waiting = 2 * cells - len(before)
    assert 0 < waiting < cells
    assert f"resuming: {cells} of {cells} cells are finished, {waiting} of them but for their latency" in done.stderr
    assert "times: on that page" in done.stderr
    assert json.loads((out / "finished.json").read_text())["complete"] is True
    assert "The run was interrupted" not in (out / "index.html").read_text()
    records = kept(out)
    assert records[: len(before)] == before
    first, last = records[: len(records) // 2], records[len(records) // 2 :]
    assert [record.case for record in first] == [record.case for record in last]
    assert all(record.latency.profile is None for record in first)
    assert all(record.latency.profile is not None and record.latency.beside for record in last)
    assert f"{len(first)} of {len(first)} planned cells reported" in done.stdout


def kept(out: Path) -> list[Record]:
    """Every whole line of a run, in the order in which they were written."""
    shard = out / "records" / "host.jsonl"
    return list(read_shard(shard, Record)) if shard.exists() else []


# -- somebody's own repository -------------------------------------------------------------------------------------

TIMED = """
import os

def test_is_fast(dnn_latency):
    latency = dnn_latency(os.environ["MODEL"], route="pb", rounds=12)
    assert latency.threads == 1
    assert latency.forward_ms.low <= latency.forward_ms.median <= latency.forward_ms.high
"""
SWITCHED_OFF = """
def test_is_fast(dnn_latency):
    assert dnn_latency("architectures/seed_cnn", route="pb").forward_ms.low is None
"""
IN_TURNS = """
def test_is_no_slower(dnn_pace):
    pace = dnn_pace("architectures/seed_cnn", before="onnxruntime", route="onnx")
    assert (pace.rounds, pace.route) == (15, "onnx")
    assert pace.low <= pace.ratio <= pace.high
    assert pace.speed in {"slower", "faster", "alike", "cannot-tell"}
"""
REFUSED = """
def test_does_not_work(dnn_latency):
    import keras
    x = keras.Input((12,))
    dnn_latency(keras.Model(x, keras.ops.top_k(x * 2.0, 3)[0]), route="pb")

def test_is_no_model(dnn_latency):
    dnn_latency("nowhere.keras")

def test_is_the_same(dnn_pace):
    dnn_pace("nowhere.keras", before="installed", after="installed")

def test_has_no_rounds(dnn_latency):
    dnn_latency("architectures/seed_cnn", route="pb", rounds=0)

def test_has_half_a_round(dnn_latency):
    dnn_latency("architectures/seed_cnn", route="pb", rounds=0.5)

def test_is_called_twice(dnn_latency):
    dnn_latency("architectures/seed_cnn", route="pb", rounds=1)
    dnn_latency("architectures/seed_cnn", route="pb", rounds=1)
"""
SENTENCES = (
    "*unsupported-op*",
    "*nowhere.keras*",
    "*nowhere.keras*",
    "rounds=0 is no number of rounds; give a whole number from 1 on",
    "rounds=0.5 is no number of rounds; give a whole number from 1 on",
    "dnn_latency was called twice in one test; pytest-benchmark keeps one: write two tests",
)


@pytest.fixture
def project(pytester, monkeypatch, warm_store):
    monkeypatch.setenv("DNN_HARNESS_STORE", str(warm_store))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("MODEL", "architectures/seed_cnn")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # within it, pytest-benchmark switches itself off
    pytester.makeconftest('pytest_plugins = ["dnn_harness_plugin"]')
    return pytester


def test_pytest_benchmark_keeps_the_workers_seconds_compares_and_fails(project, monkeypatch):
    project.makepyfile(TIMED)
    run = ("-m", "dnn_latency", "-W", "error", "--strict-markers", "-p", "no:cacheprovider")
    saved = project.runpytest_subprocess(*run, "--benchmark-only", "--benchmark-save=before")
    saved.assert_outcomes(passed=1)
    (file,) = project.path.glob(".benchmarks/*/0001_before.json")
    (kept,) = json.loads(file.read_text())["benchmarks"]
    assert kept["options"]["timer"] == "worker_seconds"
    assert (kept["stats"]["rounds"], kept["stats"]["iterations"]) == (12, 1)
    assert 0 < kept["stats"]["median"] < 1
    assert (kept["extra_info"]["route"], kept["extra_info"]["threads"]) == ("pb", 1)
    monkeypatch.setenv("MODEL", "architectures/crnn-small")
    slower = project.runpytest_subprocess(*run, "--benchmark-compare=0001", "--benchmark-compare-fail=median:100%")
    assert slower.ret != 0
    slower.stdout.fnmatch_lines(["*test_is_fast (0001_before)*"])
    assert "Performance has regressed" in slower.stdout.str() + slower.stderr.str()


def test_a_benchmark_that_is_switched_off_runs_once(project):
    project.makepyfile(SWITCHED_OFF)
    project.runpytest_subprocess("--benchmark-disable", "-W", "error").assert_outcomes(passed=1)


def test_what_does_not_work_has_no_latency_and_one_sentence_says_why(project):
    project.makepyfile(REFUSED)
    done = project.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider", "-rN")
    done.assert_outcomes(failed=len(SENTENCES))
    done.stdout.fnmatch_lines(SENTENCES)
    for trace in ("*Traceback*", "*During handling*", "*pytest_benchmark*.py:*"):
        done.stdout.no_fnmatch_line(trace)
    assert done.stdout.str().count("called twice") == 1


@pytest.mark.skipif(not WITH_ONNXRUNTIME, reason="needs a second runtime that is there without a package index")
def test_two_runtimes_are_held_against_each_other_in_turns(project):
    project.makepyfile(IN_TURNS)
    project.runpytest_subprocess("-m", "dnn_latency", "-W", "error").assert_outcomes(passed=1)
