"""`repro` on real failures: what is handed over is small, and fails in an interpreter that has never heard of us."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cells import subjects
from harness.encoding import to_json
from harness.errors import ExitCode, HarnessError, UsageError
from harness.faces.reproducers import hand_over
from harness.records import Outcome, Record, Stage, Target
from harness.usecases.reproducing import Reproducer, Reproduction

pytestmark = pytest.mark.xdist_group("repro")  # what its fixtures make is made once

NETS = """
import keras
import tensorflow as tf
from keras import layers

class Bessel(layers.Layer):
    def call(self, x):
        return tf.math.bessel_i0(x)

def pooled():
    \"\"\"By TFLite, OpenCV 5.0 averages a padded pool over the padding as well.\"\"\"
    x = image = keras.Input((13, 18, 3), name="image")
    for index in range(3):
        x = layers.Conv2D(6, 3, activation="relu", padding="same", bias_initializer="normal", name=f"before_{index}")(x)
    x = layers.AveragePooling2D(3, 2, padding="same", name="culprit")(x)
    for index in range(3):
        x = layers.Conv2D(5, 3, bias_initializer="normal", padding="same", name=f"after_{index}")(x)
    return keras.Model(image, x)

def crashes():
    x = image = keras.Input((6, 8, 2), name="image")
    x = layers.Conv2D(3, 3, activation="relu", name="conv")(layers.ReLU(name="first")(x))
    return keras.Model(image, layers.Flatten(name="last")(x))

def own():
    x = image = keras.Input((6, 8, 2), name="image")
    x = Bessel(name="own")(layers.Conv2D(3, 3, name="conv")(x))
    return keras.Model(image, layers.Dense(2, name="last")(layers.Flatten(name="flat")(x)))

def gelu():
    x = values = keras.Input((8,), name="x")
    x = layers.Activation("gelu", name="culprit")(layers.Dense(6, name="dense")(x))
    return keras.Model(values, layers.Dense(2, name="last")(x))
"""


@pytest.fixture(scope="module")
def failing(checks):
    return checks("failing", NETS)


def reproduced(failing, model: str, route: str, folder: Path) -> Reproduction:
    session = failing.session
    with session.using(replace(session.settings, route=(route,))):
        (cell,) = session.cells(subjects.from_text(model, zoo=()))
        with session.lane() as lane:
            record = lane.judge(cell, properties=False)
    found = Reproducer(session, record, lambda _step: None).run()
    hand_over(found, session.environments.resolve("installed"), folder)
    return found


def ran(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "reproduce.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)


def test_a_crash_crashes_a_bare_interpreter(failing, tmp_path):
    found = reproduced(failing, "failing:crashes", "pb-naive", tmp_path / "out")
    assert (found.outcome, found.layers) == (Outcome.CRASH, ("Conv2D",))
    assert ran(tmp_path / "out").returncode == -signal.SIGSEGV
    assert max(found.chain.shape) <= 3
    (link,) = found.chain.links
    assert "activation" not in link.config or link.config["activation"] == "linear"
    issue = (tmp_path / "out" / "ISSUE.md").read_text()
    assert issue.startswith("### System Information\n\nOpenCV version: ")
    assert "ends by SIGSEGV" in issue
    assert (tmp_path / "out" / "model.py").read_text().strip() in issue


def test_a_wrong_result_among_seven_layers_is_one_layer_on_a_small_image(failing, tmp_path):
    found = reproduced(failing, "failing:pooled", "tflite", tmp_path / "out")
    assert (found.outcome, found.layers) == (Outcome.MISMATCH, ("AveragePooling2D",))
    assert max(found.chain.shape[1:3]) <= 2
    done = ran(tmp_path / "out")
    assert done.returncode == 0
    off, allowed = map(float, re.search(r"off by (\S+); float32 rounding explains (\S+)", done.stdout).groups())
    assert off > 4 * allowed
    imported = re.findall(r"^(?:import|from) (\w+)", (tmp_path / "out" / "reproduce.py").read_text(), re.MULTILINE)
    assert set(imported) == {"re", "sys", "pathlib", "cv2", "numpy"}


def test_a_layer_of_somebodys_own_stays_a_piece_of_the_model(failing, tmp_path):
    found = reproduced(failing, "failing:own", "pb", tmp_path / "out")
    assert (found.outcome, found.op, found.layers, found.chain) == (
        Outcome.UNSUPPORTED_OP,
        "BesselI0",
        ("Bessel",),
        None,
    )
    done = ran(tmp_path / "out")
    assert (done.returncode, "This is the failure." in done.stdout) == (0, True)
    (tmp_path / "out" / "model.pb").write_bytes(b"no network at all")
    done = ran(tmp_path / "out")
    assert (done.returncode, "This is another failure than the one reported" in done.stdout) == (1, True)


def test_by_a_route_that_takes_whole_models_a_layer_is_built_anew(failing, tmp_path):
    found = reproduced(failing, "failing:gelu", "onnx-keras", tmp_path / "out")
    assert (found.outcome, found.op, found.layers) == (Outcome.UNSUPPORTED_OP, "Erfc", ("Activation",))


def test_what_no_longer_fails_or_never_ran_is_refused(failing):
    session = failing.session
    record = Record(
        case="failing:gelu",
        route="onnx",
        target=session.target("installed"),
        outcome=Outcome.CRASH,
        stage=Stage.LOAD,
        reproduce="dnn-harness check failing:gelu --route onnx --opencv installed",
    )
    with pytest.raises(UsageError, match="the record says crash at load, but now it is ok"):
        Reproducer(session, record, lambda _step: None).run()
    for outcome in (Outcome.OK, Outcome.VACUOUS, Outcome.EXPORT_FAILED):
        with pytest.raises(UsageError, match="nothing in OpenCV to reproduce"):
            Reproducer(session, replace(record, outcome=outcome), lambda _step: None)
    with pytest.raises(UsageError, match="does not say how to run it again"):
        Reproducer(session, replace(record, reproduce=""), lambda _step: None)


def test_a_failure_that_does_not_show_by_itself_leaves_nothing_behind(failing, tmp_path):
    found = reproduced(failing, "failing:own", "pb", tmp_path / "out")
    with pytest.raises(HarnessError, match="is no empty folder"):
        hand_over(found, failing.session.environments.resolve("installed"), tmp_path / "out")
    with pytest.raises(HarnessError, match="does not show in a bare interpreter"):
        hand_over(
            replace(found, signal="SIGSEGV"), failing.session.environments.resolve("installed"), tmp_path / "other"
        )
    with pytest.raises(HarnessError, match="'Foo' was expected"):
        hand_over(replace(found, op="Foo"), failing.session.environments.resolve("installed"), tmp_path / "other")
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match="is no empty folder"):
        hand_over(found, failing.session.environments.resolve("installed"), tmp_path / "file")
    assert {path.name for path in tmp_path.iterdir()} == {"out", "file"}


def test_the_command_takes_a_record_and_names_what_it_wrote(dnn_harness, tmp_path):
    (tmp_path / "failing.py").write_text(NETS)
    done = dnn_harness("check", "failing:own", "--route", "pb", "--json", "--no-advice", cwd=tmp_path)
    (tmp_path / "record.json").write_text(done.stdout)
    done = dnn_harness("repro", "record.json", "--out", "out", cwd=tmp_path)
    assert done.returncode == ExitCode.OK, done.stderr
    assert "unsupported-op: Bessel; seen in a bare interpreter" in done.stderr
    assert {"ISSUE.md", "reproduce.py", "model.pb", "input.npz", "record.json"} == {
        path.name for path in (tmp_path / "out").iterdir()
    }
    gone = Record(
        case="nowhere.keras",
        route="pb",
        target=Target(opencv="5.0.0.93"),
        outcome=Outcome.CRASH,
        reproduce="dnn-harness check nowhere.keras --route pb --opencv installed",
    )
    (tmp_path / "gone.json").write_text(to_json(gone))
    done = dnn_harness("repro", "gone.json", cwd=tmp_path)
    assert (done.returncode, "nowhere.keras does not exist" in done.stderr) == (ExitCode.USAGE, True)
