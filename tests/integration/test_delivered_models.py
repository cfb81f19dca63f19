"""`check --export`: the folder is tried as whoever gets it would, in a bare interpreter and with a compiler."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from harness.cells import subjects
from harness.errors import HarnessError, UsageError
from harness.faces.packing import pack
from harness.usecases.checking import check

pytestmark = pytest.mark.xdist_group("delivered_models")  # what its fixtures make is made once

NETS = """
import keras
from keras import layers

def picture():
    x = image = keras.Input((13, 18, 3), name="image")
    x = layers.Conv2D(5, 3, strides=2, padding="same", activation="relu")(layers.Rescaling(1 / 255)(x))
    return keras.Model(image, [layers.Conv2D(4, 1, name="map")(x), layers.GlobalAveragePooling2D(name="mean")(x)])

def joined():
    left, right = keras.Input((6, 5), name="left"), keras.Input((6, 3), name="right")
    x = layers.Concatenate()([layers.Dense(4)(left), right])
    return keras.Model([left, right], layers.Dense(2, name="sum")(x))

def tokens():
    ids = keras.Input((7,), dtype="int32", name="ids")
    return keras.Model(ids, layers.Dense(3, name="scores")(layers.Flatten()(layers.Embedding(20, 4)(ids))))

def broken():
    import tensorflow as tf
    class Bessel(layers.Layer):
        def call(self, x):
            return tf.math.bessel_i0(x)
    x = image = keras.Input((6,), name="x")
    return keras.Model(image, Bessel()(x))
"""
HEADERS = Path("/usr/include/opencv4/opencv2/dnn.hpp")


@pytest.fixture(scope="module")
def delivered(checks, tmp_path_factory):
    """Give a function that checks a network and delivers it into a folder."""
    session = checks("delivered", NETS).session

    def deliver(name: str, route: str = "onnx") -> Path:
        folder = tmp_path_factory.mktemp(name) / "out"
        with session.using(replaced(session, route)):
            model = str(hostile(folder.parent)) if name == "hostile" else f"delivered:{name}"
            answer = check(session, subjects.from_text(model, zoo=()), advice=False)
            files = pack(session, answer, folder)
        assert all(file.exists() for file in files)
        return folder

    return deliver


def hostile(folder: Path) -> Path:
    """A file whose tensors have names that would be code if nobody minded."""
    names = ['in"); system("true', "out');import os;\\"]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 6]) for name in names]
    graph = helper.make_graph([helper.make_node("Relu", names[:1], names[1:])], "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "odd.onnx")
    return folder / "odd.onnx"


def replaced(session, route):
    return replace(session.settings, route=(route,))


def ran(folder: Path) -> subprocess.CompletedProcess[str]:
    """Isolated: neither this checkout nor the current folder is on its path."""
    command = [sys.executable, "-I", folder / "run.py"]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "route"),
    [("picture", "onnx"), ("picture", "pb"), ("joined", "onnx"), ("tokens", "onnx"), ("hostile", "as-is")],
)
def test_the_program_runs_wherever_the_folder_is_and_compares(delivered, tmp_path, name, route):
    folder = tmp_path / "else where"
    shutil.move(delivered(name, route), folder)
    tree = ast.parse((folder / "run.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"sys", "cv2", "numpy"}
    done = ran(folder)
    assert done.returncode == 0, done.stderr + done.stdout
    contract = json.loads((folder / "contract.json").read_text())
    assert done.stdout.count("is allowed") == len(contract["outputs"])


def test_it_takes_and_gives_keras_layouts(delivered):
    folder = delivered("picture", "pb")
    contract = json.loads((folder / "contract.json").read_text())
    assert contract["inputs"][0]["opencv_shape"] == [1, 3, 13, 18]
    assert contract["preprocessing"].startswith("The model has its own Rescaling")
    example = np.load(folder / "example.npz")
    assert example["input_0"].shape == (1, 13, 18, 3)
    assert example["output_0"].shape == (1, 7, 9, 4)


def test_wrong_numbers_are_no_success(delivered):
    folder = delivered("joined")
    with np.load(folder / "example.npz") as stored:
        arrays = dict(stored)
    arrays["output_0"] = arrays["output_0"] + 0.1
    np.savez(folder / "example.npz", **arrays)
    done = ran(folder)
    assert (done.returncode, "MORE THAN" in done.stdout) == (1, True)


def test_nothing_is_delivered_where_nothing_works(delivered):
    with pytest.raises(UsageError, match="no route works for this model"):
        delivered("broken")


def test_a_place_that_cannot_be_written_is_named(checks, tmp_path):
    session = checks("undelivered", NETS).session
    (tmp_path / "file").touch()
    with session.using(replaced(session, "onnx")):
        answer = check(session, subjects.from_text("undelivered:joined", zoo=()), advice=False)
        with pytest.raises(HarnessError, match=r"cannot write .*; name another folder"):
            pack(session, answer, tmp_path / "file")


@pytest.mark.skipif(not HEADERS.exists(), reason="OpenCV's C++ headers are not here (Debian: libopencv-dnn-dev)")
@pytest.mark.parametrize(("name", "route"), [("picture", "pb"), ("joined", "onnx"), ("hostile", "as-is")])
def test_the_cpp_program_compiles_and_agrees(delivered, name, route):
    """With Debian's OpenCV 4.6, which is none of those that the contract names: these networks are plain enough."""
    folder = delivered(name, route)
    command = ["g++", "-std=c++17", "-O1", "-Wall", "-Werror", f"-I{HEADERS.parents[1]}", folder / "run.cpp"]
    done = subprocess.run(
        [*command, "-o", folder / "run", "-lopencv_dnn", "-lopencv_core"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    done = subprocess.run([folder / "run", folder], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "off by" in done.stdout
