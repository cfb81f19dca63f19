"""The store answers: nothing is built twice, damage is mended, rivals agree, and TensorFlow stays out of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.detection import Detection
from harness.encoding import from_json
from harness.errors import ExitCode
from harness.records import Outcome, Record
from tests.integration.conftest import CommandLine, environment_with

pytestmark = pytest.mark.xdist_group("warm_store")  # what its fixtures make is made once

CASES = "layers/conv2d/same*"
SENTINEL = """
import os, pathlib
pathlib.Path(os.environ["SENTINEL"]).touch()
raise ImportError("TensorFlow was imported although the store has everything")
"""


@pytest.fixture(scope="module")
def forbidding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `tensorflow`, `keras` and `tf2onnx` leave a trace and raise."""
    folder = tmp_path_factory.mktemp("forbidding")
    for name in ("tensorflow", "keras", "tf2onnx"):
        (folder / f"{name}.py").write_text(SENTINEL)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def usual(store: Path, site_packages: Path) -> CommandLine:
    return CommandLine(environment=environment_with(store, site_packages))


@pytest.fixture
def without_tensorflow(store: Path, site_packages: Path, forbidding: Path, tmp_path: Path) -> CommandLine:
    environment = environment_with(store, forbidding, site_packages)
    return CommandLine(environment=environment | {"SENTINEL": str(tmp_path / "imported")})


def records_of(text: str) -> list[Record]:
    return [from_json(line, Record) for line in text.splitlines()]


def outcomes(folder: Path) -> dict[tuple[str, str], str]:
    lines = [line for shard in (folder / "records").glob("*.jsonl") for line in shard.read_text().splitlines()]
    return {(row["case"], row["route"]): row["outcome"] for row in map(json.loads, lines)}


def test_a_second_run_does_without_tensorflow(usual, without_tensorflow, tmp_path):
    command = ["run", "--zoo", CASES, "--route", "pb,onnx,pb-naive"]
    cold = usual(*command, "--out", tmp_path / "cold")
    assert "TensorFlow was not started" not in cold.stderr
    warm = without_tensorflow(*command, "--out", tmp_path / "warm")
    assert not (tmp_path / "imported").exists()
    assert "everything came from the store; TensorFlow was not started" in warm.stderr
    assert warm.returncode == cold.returncode
    assert outcomes(tmp_path / "warm") == outcomes(tmp_path / "cold")
    assert Outcome.OK in outcomes(tmp_path / "warm").values()


def test_a_second_self_test_does_without_tensorflow(usual, without_tensorflow, tmp_path):
    """Also its faults in the Keras model are in the store; those of files are planted by a child that knows onnx."""
    command = ["selftest", "--zoo", "layers/batch_normalization/image", "--clean", 4, "--jobs", 1, "--out"]
    cold = usual(*command, tmp_path / "cold.json")
    assert cold.returncode == ExitCode.OK, cold.stderr
    warm = without_tensorflow(*command, tmp_path / "warm.json")
    assert not (tmp_path / "imported").exists()
    assert warm.returncode == ExitCode.OK, warm.stderr
    found = from_json((tmp_path / "warm.json").read_text(), Detection)
    detected = {kind.kind for kind in found.kinds if kind.detected}
    assert detected >= {"weights-up-1%", "batch-norm-epsilon", "output-stale", "other-item", "nan-lost"}
    assert (found.cases, found.clean_cells, found.false_alarms) == (1, 4, ())
    assert found.kinds == from_json((tmp_path / "cold.json").read_text(), Detection).kinds
    assert f"detected: {found.detected} of {found.detected} applicable (100 %" in warm.stdout


@pytest.mark.parametrize("name", ["seed.keras", "seed_saved_model"])
def test_a_second_check_of_a_file_does_without_tensorflow(name, usual, without_tensorflow, models_folder, tmp_path):
    command = ["check", models_folder / name, "--route", "pb", "--json"]
    assert usual(*command).returncode == ExitCode.OK
    warm = without_tensorflow(*command)
    assert warm.returncode == ExitCode.OK, warm.stderr
    assert not (tmp_path / "imported").exists()


def test_the_sentinel_does_stand_in_the_way(without_tensorflow, models_folder, tmp_path):
    cold = without_tensorflow("check", models_folder / "seed.keras", "--route", "pb")
    assert cold.returncode not in {ExitCode.OK, ExitCode.FAILED}
    assert (tmp_path / "imported").exists()
    assert "TensorFlow was imported although" in cold.stderr
    assert "Traceback" not in cold.stderr


@pytest.mark.parametrize("arguments", [["--version"], ["zoo", "list"], ["zoo", "list", "--json"], ["env", "list"]])
def test_looking_around_needs_neither_store_nor_tensorflow(arguments, without_tensorflow, tmp_path):
    done = without_tensorflow(*arguments)
    assert done.returncode == ExitCode.OK, done.stderr
    assert done.stdout
    assert not (tmp_path / "imported").exists()


def test_damaged_entries_are_built_again(usual, store, models_folder):
    command = ["check", models_folder / "seed.keras", "--route", "onnx", "--json"]
    (before,) = records_of(usual(*command).stdout)
    (model,) = (store / "v1" / "artifact").rglob("*.onnx")
    whole = model.read_bytes()
    model.write_bytes(whole[: len(whole) // 2])
    for reference in (store / "v1" / "reference").rglob("reference.npz"):
        data = bytearray(reference.read_bytes())
        data[len(data) // 2] ^= 0xFF
        reference.write_bytes(data)
    (info,) = (store / "v1" / "info").rglob("info.json")
    info.unlink()
    done = usual(*command)
    assert done.returncode == ExitCode.OK, done.stderr
    (after,) = records_of(done.stdout)
    assert (after.outcome, after.artifact, after.parity) == (Outcome.OK, before.artifact, before.parity)
    assert model.read_bytes() == whole
    assert info.exists()


def test_rivals_who_build_the_same_entry_both_succeed(usual, store, models_folder):
    command = ["check", models_folder / "seed.keras", "--route", "pb", "--json"]
    rivals = [usual.start(*command) for _ in range(2)]
    ends = [(rival.communicate(timeout=300), rival.returncode) for rival in rivals]
    for (stdout, stderr), code in ends:
        assert code == ExitCode.OK, stderr
        assert [record.outcome for record in records_of(stdout)] == [Outcome.OK]
    assert len(list((store / "v1" / "artifact").rglob("seal.json"))) == 1
    assert list((store / "v1" / "scratch").iterdir()) == []
