"""Ours in somebody else's repository: the function, single layers, and tests marked with a model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

FUNCTION = """
import sys
import harness
assert not {"tensorflow", "cv2", "pytest", "harness.usecases.session"} & set(sys.modules)
import keras
import numpy as np
from keras import layers

conv = layers.Conv2D(4, 3, name="mine")
before = conv.get_config()
(record,) = harness.check(conv, input_shape=(1, 9, 12, 3), routes=["onnx"])
assert (record.outcome, record.route) == ("ok", "onnx"), record
assert not conv.built and conv.get_config() == before

dense = layers.Dense(3)
dense.build((None, 5))
dense.set_weights([np.full((5, 3), 0.25), np.arange(3.0)])
(record,) = harness.check(dense, input_shape=(1, 5), routes=["onnx"])
assert record.outcome == "ok", record

(record,) = harness.check(layers.Attention(), input_shape=[(1, 6, 8), (1, 4, 8)], routes=["onnx"])
assert record.outcome == "ok", record

x = keras.Input((12,))
records = harness.check(keras.Model(x, keras.ops.top_k(x * 2.0, 3)[0]), routes=["onnx", "pb"])
assert [(record.route, record.outcome) for record in records] == [("onnx", "ok"), ("pb", "unsupported-op")]
assert records[1].layers and records[1].advice
try:
    harness.assert_works(records)
except AssertionError as error:
    assert "TopKV2" in str(error) and "tried: " in str(error), error
else:
    raise SystemExit("it does not work by .pb")
harness.assert_works(records[0])

for wrong, words in ((layers.Dense(3), "needs input_shape"), (42, "got a int; give a Keras model or layer")):
    try:
        harness.check(wrong)
    except harness.errors.HarnessError as error:
        assert words in str(error), error
    else:
        raise SystemExit(f"{wrong} was taken")
try:
    harness.check(layers.Dense(3), input_shape=(1, 5, 0), routes=["caffe"])
except harness.errors.HarnessError as error:
    assert "caffe" in str(error), error
print("all is well")
"""

MARKED = """
import harness
import pytest

def build():
    import keras
    x = keras.Input((12,))
    return keras.Model(x, keras.layers.Dense(4)(x))

@pytest.mark.dnn_model(build, routes=["onnx", "pb"])
def test_works(dnn_record):
    harness.assert_works(dnn_record)
    assert dnn_record.parity.margin < 1

@pytest.mark.dnn_model("seed.keras", routes=["pb-naive"])
def test_fails(dnn_record):
    assert dnn_record.outcome == "ok"

@pytest.mark.dnn_model(model=build)
def test_without_the_record():
    pass

def test_unmarked(dnn_record):
    pass
"""


def test_a_function_answers_for_models_and_layers(dnn_harness, tmp_path):
    (tmp_path / "asking.py").write_text(FUNCTION)
    done = subprocess.run(
        [sys.executable, "asking.py"],
        cwd=tmp_path,
        env=dnn_harness.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == "all is well\n"


@pytest.fixture
def project(pytester, monkeypatch, warm_store, models_folder):
    """A project with a model of its own, in which our plugin is installed."""
    monkeypatch.setenv("DNN_HARNESS_STORE", str(warm_store))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeconftest('pytest_plugins = ["dnn_harness_plugin"]')
    (pytester.path / "seed.keras").symlink_to(models_folder / "seed.keras")
    return pytester


def test_a_marked_test_runs_once_for_each_route_and_opencv(project):
    project.makepyfile(MARKED)
    done = project.runpytest_subprocess("-v", "-p", "no:cacheprovider", "--strict-markers", "-n", "2")
    done.assert_outcomes(passed=3, failed=1, errors=1)
    done.stdout.fnmatch_lines_random(
        [
            "*PASSED*test_works[[]onnx-installed[]]*",
            "*PASSED*test_works[[]pb-installed[]]*",
            "*FAILED*test_fails[[]pb-naive-installed[]]*",
            "*PASSED*test_without_the_record*",
            "*belongs to tests marked with @pytest.mark.dnn_model*",
        ]
    )


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ('"seed.keras", routes=["caffe"]', "*there is no route 'caffe'*"),
        ('"seed.keras", route=["onnx"]', "*dnn_model takes one model and input_shape, opencv, routes*but got*route*"),
        ("", "*dnn_model takes one model*but got 0 models*"),
    ],
)
def test_a_mistake_in_the_mark_is_told_when_tests_are_collected(project, mark, words):
    project.makepyfile(f"import pytest\n@pytest.mark.dnn_model({mark})\ndef test_it(dnn_record): pass\n")
    done = project.runpytest_subprocess("-p", "no:cacheprovider")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines([words])
    done.stdout.no_fnmatch_line("*/harness/*")
