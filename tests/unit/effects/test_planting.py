"""The planter is a real child; TensorFlow stays out of it for faults of files."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import helper

from harness.effects.planting import Planter
from harness.errors import HarnessError
from tests.unit.conftest import save_model

pytestmark = pytest.mark.xdist_group("planting")  # what its fixtures make is made once


@pytest.fixture(scope="module")
def planter():
    planter = Planter()
    yield planter
    planter.close()


@pytest.fixture
def sound(tmp_path) -> Path:
    save_model(tmp_path / "sound.onnx", [helper.make_node("Relu", ["x"], ["y"], name="relu")], ["x"], ["y"])
    return tmp_path / "sound.onnx"


def test_a_faulty_copy_is_written_and_told(planter, sound, tmp_path):
    before = sound.read_bytes()
    change = planter.plant(sound, "relu-as-relu6", "seed", tmp_path / "faulty.onnx")
    assert change == "Relu 'relu' bounded by 6"
    assert [node.op_type for node in onnx.load(tmp_path / "faulty.onnx").graph.node] == ["Clip"]
    assert sound.read_bytes() == before


def test_what_does_not_apply_writes_nothing(planter, sound, tmp_path):
    assert planter.plant(sound, "bias-dropped", "seed", tmp_path / "faulty.onnx") is None
    assert not (tmp_path / "faulty.onnx").exists()


def test_a_file_that_is_no_model_is_an_error_and_the_planter_goes_on(planter, sound, tmp_path):
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    with pytest.raises(HarnessError, match="planting failed: DecodeError"):
        planter.plant(tmp_path / "noise.onnx", "relu-as-relu6", "seed", tmp_path / "faulty.onnx")
    assert planter.plant(sound, "activation-left-out", "seed", tmp_path / "faulty.onnx")
