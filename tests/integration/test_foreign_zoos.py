"""Other people's zoos: a distribution with an entry point, really built and installed, is found without being named."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from harness.encoding import from_json
from harness.errors import ExitCode
from harness.records import Outcome, Record
from tests.integration.conftest import CommandLine, environment_with

pytestmark = pytest.mark.xdist_group("foreign_zoos")  # what its fixtures make is made once

THEIR_ZOO = """
from harness.cases import Case
from harness.manifests import TensorSpec

def build():
    import keras
    return keras.Sequential([keras.Input((6, 9, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()])

def case(name, **more):
    image = TensorSpec(name="image", shape=(1, 6, 9, 3))
    return Case(id=f"theirs/{name}", build=build, inputs=(image,), module=__name__, **more)

CASES = (
    case("small", covers=("Conv2D", "Flatten"), tags=("image",)),
    case("far", requires=("no_such_package_anywhere",)),
)
"""
PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "their-nets"
version = "1.0"
[project.entry-points."opencv_dnn_harness.zoo"]
theirs = "their_nets.zoo"
[tool.setuptools]
packages = ["their_nets"]
"""


@pytest.fixture(scope="module")
def their_distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an installation of their wheel puts into site-packages."""
    folder = tmp_path_factory.mktemp("their")
    (folder / "their_nets").mkdir()
    (folder / "their_nets" / "__init__.py").touch()
    (folder / "their_nets" / "zoo.py").write_text(THEIR_ZOO)
    (folder / "pyproject.toml").write_text(PROJECT)
    build = "import setuptools.build_meta as backend; backend.build_wheel('dist')"
    done = subprocess.run([sys.executable, "-c", build], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def with_theirs(warm_store: Path, site_packages: Path, their_distribution: Path) -> CommandLine:
    return CommandLine(environment=environment_with(warm_store, site_packages, their_distribution))


def rows(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, object]]:
    assert done.returncode == ExitCode.OK, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["id"]: row for row in found}


def test_an_installed_zoo_is_listed_besides_ours(with_theirs, dnn_harness, tmp_path):
    found = rows(with_theirs("zoo", "list", "--json", cwd=tmp_path))
    assert rows(dnn_harness("zoo", "list", "--json", cwd=tmp_path)).keys() == found.keys() - {
        "theirs/small",
        "theirs/far",
    }
    row = found["theirs/far"]
    assert row == {
        "id": "theirs/far",
        "family": "theirs",
        "tier": "core",
        "covers": [],
        "inputs": [{"name": "image", "shape": [1, 6, 9, 3], "dtype": "float32", "low": None, "high": None}],
        "parameters": None,
        "tags": [],
        "missing": ["no_such_package_anywhere"],
    }
    assert (found["theirs/small"]["covers"], found["theirs/small"]["tags"]) == (["Conv2D", "Flatten"], ["image"])


def test_a_zoo_that_is_named_is_the_only_one(with_theirs, tmp_path):
    assert set(rows(with_theirs("zoo", "list", "--json", "--dnn-zoo", "their_nets.zoo", cwd=tmp_path))) == {
        "theirs/small",
        "theirs/far",
    }
    ours = rows(with_theirs("zoo", "list", "--json", cwd=tmp_path, DNN_HARNESS_ZOO="model_zoo"))
    assert not {case for case in ours if case.startswith("theirs/")}


def test_parameters_are_told_once_the_models_were_built(with_theirs, tmp_path):
    named = ("zoo", "list", "--json", "--dnn-zoo", "their_nets.zoo", "--store", tmp_path / "store")
    assert rows(with_theirs(*named, cwd=tmp_path))["theirs/small"]["parameters"] is None
    assert not (tmp_path / "store").exists()
    built = with_theirs(*named, "--build", cwd=tmp_path)
    assert rows(built)["theirs/small"]["parameters"] == 4 * 27 + 4
    assert rows(built)["theirs/far"]["parameters"] is None
    assert "theirs/small" in built.stderr
    assert rows(with_theirs(*named, cwd=tmp_path)) == rows(built)


def test_building_is_for_the_parameters_that_json_prints(with_theirs, tmp_path):
    done = with_theirs("zoo", "list", "--build", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert "add --json" in done.stderr


def test_an_installed_zoo_is_run_without_being_named(with_theirs, tmp_path):
    done = with_theirs("run", "--zoo", "theirs/*", "--route", "onnx", "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == ExitCode.OK, done.stderr
    assert "left out: theirs/far needs no_such_package_anywhere" in done.stderr
    (line,) = (tmp_path / "out" / "records" / "host.jsonl").read_text().splitlines()
    record = from_json(line, Record)
    assert (record.case, record.outcome, record.opset) == ("theirs/small", Outcome.OK, 13)


def test_a_case_that_two_zoos_declare_is_refused(with_theirs, tmp_path):
    twin = tmp_path / "twin_zoo"
    twin.mkdir()
    (twin / "__init__.py").write_text(THEIR_ZOO)
    paths = f"{with_theirs.environment['PYTHONPATH']}:{tmp_path}"
    named = replace(with_theirs, environment=with_theirs.environment | {"PYTHONPATH": paths})
    done = named("zoo", "list", "--dnn-zoo", "their_nets.zoo,twin_zoo", cwd=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "'theirs/far' is declared in their_nets.zoo and again in twin_zoo" in done.stderr
