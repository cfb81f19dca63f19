"""A network that nobody has trained yet gets an answer all the same, and keeps its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.encoding import from_json
from harness.errors import ExitCode
from harness.records import Outcome, Record

pytestmark = pytest.mark.xdist_group("untrained_models")  # what its fixtures make is made once

NETS = """
import keras

def small(deviation):
    return keras.initializers.RandomNormal(stddev=deviation, seed=1)

def collapsed():
    \"\"\"It gives its last bias for every input, before the softmax too: what random weights often do.\"\"\"
    x = image = keras.Input((8, 12, 3), name="image")
    for filters in (4, 4, 4, 4, 4, 4):
        x = keras.layers.Conv2D(filters, 3, activation="relu", kernel_initializer=small(1e-4), padding="same")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    options = {"kernel_initializer": small(0.1), "bias_initializer": small(0.1)}
    return keras.Model(image, keras.layers.Dense(3, activation="softmax", **options)(x))

class Own(keras.layers.Layer):
    \"\"\"No weights would make it depend on its input.\"\"\"
    def call(self, x):
        return keras.ops.sign(keras.ops.abs(x) + 1.0)

def constant():
    image = keras.Input((4,), name="image")
    return keras.Model(image, Own()(image))
"""


@pytest.fixture(scope="module")
def nets(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("untrained")
    (folder / "nets.py").write_text(NETS)
    return folder


def test_a_collapsed_network_is_judged_with_conditioned_weights_and_exported_with_its_own(dnn_harness, nets):
    done = dnn_harness("check", "nets:collapsed", "--route", "onnx,pb", "--json", "--export", "out", cwd=nets)
    assert done.returncode == ExitCode.OK, done.stderr
    records = [from_json(line, Record) for line in done.stdout.splitlines()]
    assert {record.route: record.outcome for record in records} == {"onnx": Outcome.OK, "pb": Outcome.OK}
    assert all(record.parity.sensitivity > 1000 for record in records)
    assert all("with the model's own the outputs agree" in record.caveat for record in records)
    weights = largest_kernel(nets / "out" / "model.onnx")
    assert 0 < np.abs(weights).max() < 1e-3


def test_a_network_that_ignores_its_input_stays_vacuous(dnn_harness, nets):
    done = dnn_harness("check", "nets:constant", "--route", "onnx", "--json", cwd=nets)
    assert done.returncode == ExitCode.FAILED
    (record,) = [from_json(line, Record) for line in done.stdout.splitlines()]
    assert (record.outcome, record.caveat) == (Outcome.VACUOUS, None)


def largest_kernel(path: Path) -> np.ndarray:
    onnx = pytest.importorskip("onnx")
    arrays = [onnx.numpy_helper.to_array(item) for item in onnx.load(path).graph.initializer]
    return max((array for array in arrays if array.ndim == 4), key=lambda array: array.size)
