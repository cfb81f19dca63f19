"""Where a network goes wrong, found in networks that OpenCV really computes wrongly; and the same verdict again."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from harness.encoding import from_json
from harness.errors import ExitCode
from harness.records import Outcome, Record

pytestmark = pytest.mark.xdist_group("wrong_networks")  # what its fixtures make is made once

NETS = """
import keras
from keras import layers

def normal(seed, deviation=0.3):
    return keras.initializers.RandomNormal(stddev=deviation, seed=seed)

def conv(filters, seed, **options):
    return layers.Conv2D(filters, 3, kernel_initializer=normal(seed), bias_initializer=normal(seed + 1), **options)

def pooled():
    \"\"\"By TFLite, OpenCV 5.0 averages a padded pool over the padding as well.\"\"\"
    x = image = keras.Input((13, 18, 3), name="image")
    x = conv(6, 1, activation="relu", name="before")(x)
    x = layers.AveragePooling2D(3, 2, padding="same", name="culprit")(x)
    x = conv(5, 3, name="after")(x)
    return keras.Model(image, layers.ReLU(name="last")(x))

def long():
    \"\"\"As above, with more layers than are looked at together.\"\"\"
    x = image = keras.Input((13, 18, 3), name="image")
    for index in range(20):
        x = conv(4, 7 * index, padding="same", name=f"before_{index}")(x)
    x = layers.AveragePooling2D(3, 2, padding="same", name="culprit")(x)
    for index in range(20):
        x = conv(4, 200 + 7 * index, padding="same", name=f"after_{index}")(x)
    return keras.Model(image, x)

def saturated():
    \"\"\"Its softmax gives ones and zeros, whatever happens to the logits.\"\"\"
    x = image = keras.Input((13, 18, 3), name="image")
    x = layers.Flatten()(conv(6, 1, activation="relu")(x))
    x = layers.Dense(6, kernel_initializer=normal(3, 50.0), bias_initializer=normal(4))(x)
    return keras.Model(image, layers.Softmax()(x))

def hidden():
    \"\"\"The wrong pool again, behind a sigmoid that hides it.\"\"\"
    x = image = keras.Input((9, 9, 3), name="image")
    x = layers.Flatten()(layers.AveragePooling2D(3, 2, padding="same", name="culprit")(x))
    constant = keras.initializers.Constant
    x = layers.Dense(4, "sigmoid", kernel_initializer=constant(50.0), bias_initializer=constant(3.0))(x)
    return keras.Model(image, layers.Reshape((2, 2))(x))
"""

TWO_THREADS = """
import cv2
Real = cv2.dnn.Net
class Net:
    def __init__(self, net): self.net = net
    def forward(self, names=None):
        found = self.net.forward(names)
        return [y + 1 if cv2.getNumThreads() == 2 and 11 not in y.shape else y for y in found]
    def __getattr__(self, name): return getattr(self.net, name)
read = cv2.dnn.readNetFromONNX
cv2.dnn.readNetFromONNX = lambda *given, **options: Net(read(*given, **options))
"""
"""An OpenCV that computes wrongly what is less than 11 high, with two threads only; 4.8.1 is so with normalisation."""


@pytest.fixture(scope="module")
def nets(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("locating")
    (folder / "nets.py").write_text(NETS)
    return folder


def checked(dnn_harness, nets, *arguments) -> tuple[int, Record]:
    done = dnn_harness("check", *arguments, "--json", cwd=nets)
    (line,) = done.stdout.splitlines()
    return done.returncode, from_json(line, Record)


@pytest.mark.parametrize("name", ["pooled", "long"])
def test_the_first_layer_that_differs_is_named_and_fails_alone(dnn_harness, nets, name):
    code, record = checked(dnn_harness, nets, f"nets:{name}", "--route", "tflite")
    assert code == ExitCode.FAILED
    assert record.outcome is Outcome.MISMATCH
    culprit = record.culprit
    assert (culprit.layer, culprit.class_, culprit.outcome) == ("culprit", "AveragePooling2D", "mismatch")
    assert culprit.alone == "mismatch"
    assert culprit.max_abs > culprit.allowed > 0
    assert json.loads(culprit.config)["pool_size"] == [3, 3]
    assert culprit.input == record.parity.worst_input
    assert record.layer == "culprit"
    assert "culprit" in [node.layer for node in record.graph]


def test_an_error_on_the_rim_is_drawn_on_the_rim(dnn_harness, nets):
    _, record = checked(dnn_harness, nets, "nets:pooled", "--route", "tflite")
    rows = record.parity.error_map.rows
    rim = "".join([rows[0], rows[-1], *(row[0] + row[-1] for row in rows)])
    assert set(rim) != {"0"}
    assert record.parity.error_map.axes == "height x width"


def test_a_failing_cell_run_again_from_its_record_fails_the_same_way(dnn_harness, nets):
    for arguments in (("nets:pooled", "--route", "tflite"), ("nets:pooled", "--route", "pb")):
        _, first = checked(dnn_harness, nets, *arguments)
        command, *rest = shlex.split(first.reproduce)
        assert (command, rest[0]) == ("dnn-harness", "check")
        _, again = checked(dnn_harness, nets, *rest[1:])
        same = ("outcome", "stage", "op", "layer", "message", "parity", "culprit")
        assert {name: getattr(again, name) for name in same} == {name: getattr(first, name) for name in same}


def test_behind_a_head_that_hides_everything_the_logits_are_compared(dnn_harness, nets):
    code, record = checked(dnn_harness, nets, "nets:saturated", "--route", "onnx")
    assert (code, record.outcome) == (ExitCode.OK, Outcome.OK)
    (shown,) = [shown for shown in record.properties if shown.name == "before-head"]
    assert shown.held


def test_what_a_head_hides_is_found_and_its_layer_named(dnn_harness, nets):
    code, record = checked(dnn_harness, nets, "nets:hidden", "--route", "tflite")
    assert (code, record.outcome) == (ExitCode.FAILED, Outcome.MISMATCH)
    assert record.message.startswith("before the last Sigmoid, which hides it")
    assert (record.culprit.layer, record.culprit.alone) == ("culprit", "mismatch")


def test_a_layer_that_is_wrong_in_two_threads_only_is_named(dnn_harness, nets, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(TWO_THREADS)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(tmp_path))} exec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    code, record = checked(dnn_harness, nets, "nets:pooled", "--route", "onnx", "--opencv", f"path:{python}")
    assert (code, record.outcome) == (ExitCode.FAILED, Outcome.NONDETERMINISTIC)
    assert record.message.startswith("threads does not hold")
    assert (record.layer, record.culprit.layer, record.culprit.alone) == ("culprit", "culprit", "mismatch")
