"""What `pytest --junitxml` says of real cells: every test that judged one tells which, and what became of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.report.junit import NAMES

pytest_plugins = ["pytester"]


@pytest.fixture
def project(pytester: pytest.Pytester, site_packages: Path, warm_store: Path, monkeypatch) -> pytest.Pytester:
    """An empty project of somebody who has installed our wheel."""
    monkeypatch.setenv("PYTHONPATH", str(site_packages))
    monkeypatch.setenv("DNN_HARNESS_STORE", str(warm_store))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("PYTEST_PLUGINS", raising=False)
    return pytester


def properties_of_tests(file: Path) -> dict[str, list[tuple[str, str]]]:
    found = ET.parse(file).iter("testcase")
    return {
        case.get("name", ""): [(one.get("name", ""), one.get("value", "")) for one in case.iter("property")]
        for case in found
    }


def test_every_test_that_checks_a_model_tells_of_its_cells(project, models_folder):
    hostile = project.path / "<b>&\"' ü\x1b[31m.keras"
    shutil.copy(models_folder / "seed.keras", hostile)
    project.makepyfile(f"""
        import pytest, harness
        MODEL = {str(hostile)!r}

        def test_check(dnn_check):
            dnn_check(MODEL, routes=["pb", "onnx"])

        def test_failing(dnn_check):
            dnn_check(MODEL, routes=["pb-naive"])

        @pytest.mark.dnn_model(MODEL, routes=["pb"])
        def test_marked(dnn_record):
            harness.assert_works(dnn_record)

        def test_of_something_else(record_property):
            record_property("colour", "blue")
    """)
    arguments = ("-W", "error", "-p", "no:cacheprovider", "--junitxml=tests.xml", "-o", "junit_family=xunit1")
    result = project.runpytest_subprocess(*arguments, timeout=300)
    result.assert_outcomes(passed=3, failed=1)
    told = properties_of_tests(project.path / "tests.xml")
    both = told["test_check"]
    works = [name for name in NAMES if name != "op"]
    assert [name for name, _ in both] == [*works, *works]
    assert [value for name, value in both if name == "route"] == ["onnx", "pb"]
    first = dict(both[: len(works)])
    assert first["case"] == str(hostile).replace("\x1b", "\\x1b")
    assert (first["engine"], first["outcome"]) == ("default", "ok")
    assert 0 < float(first["margin"]) < 1
    assert float(first["latency_ms"]) > 0
    failed = dict(told["test_failing"])
    assert (failed["route"], failed["outcome"]) == ("pb-naive", "crash")
    assert "margin" not in failed
    ((name, marked),) = [(name, found) for name, found in told.items() if name.startswith("test_marked")]
    assert dict(marked)["route"] == "pb", name
    assert told["test_of_something_else"] == [("colour", "blue")]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_zoo_suite_tells_of_each_of_its_cells(project, workers, request):
    """Through pytest-xdist too: what a worker knows travels with its report."""
    suite = request.config.rootpath / "tests" / "conformance"
    shutil.copytree(suite, project.path / "tests" / "conformance", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(request.config.rootpath / "conftest.py", project.path)
    options = ("--dnn-tier=layers/dense/tanh", "--dnn-route=pb,tflite", "--dnn-expectations=none", "-n", workers)
    (project.path / "none").mkdir()
    arguments = ("--junitxml=tests.xml", "-o", "junit_family=xunit1", "-p", "no:cacheprovider", *options)
    project.makepyprojecttoml("[tool.pytest]\npythonpath = ['.']\nmarkers = ['expected_ok: x', 'other_sizes: x']\n")
    project.runpytest_subprocess("tests/conformance/test_conformance.py", *arguments, timeout=300)
    told = {name: dict(found) for name, found in properties_of_tests(project.path / "tests.xml").items()}
    support = {found["route"]: found for name, found in told.items() if name.startswith("test_support")}
    assert set(support) == {"pb", "tflite"}
    assert support["pb"]["case"] == "layers/dense/tanh"
    assert support["pb"]["outcome"] == "ok"
    assert support["tflite"]["outcome"] == "unsupported-op"
    assert support["tflite"]["op"] == "TANH"
    parity = [found for name, found in told.items() if name.startswith("test_parity")]
    assert {found["route"] for found in parity} == {"pb", "tflite"}
    assert all(0 < float(found["margin"]) < 1 for found in parity if found["outcome"] == "ok")
