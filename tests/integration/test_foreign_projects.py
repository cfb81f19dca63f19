"""The installed plugin in other people's repositories: useful where asked for, not noticed where not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SMALL_NETS = """
def build():
    import keras
    from keras import layers
    keras.utils.set_random_seed(3)
    return keras.Sequential([
        keras.Input((6, 9, 3)),
        layers.Conv2D(4, 3, activation="relu", bias_initializer="normal"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(5, bias_initializer="normal"),
    ])
"""


@pytest.fixture
def project(pytester: pytest.Pytester, site_packages: Path, warm_store: Path, monkeypatch) -> pytest.Pytester:
    """An empty project of somebody who has installed our wheel."""
    monkeypatch.setenv("PYTHONPATH", str(site_packages))
    monkeypatch.setenv("DNN_HARNESS_STORE", str(warm_store))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("PYTEST_PLUGINS", raising=False)
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider", *arguments, timeout=300)


def write_package(project: pytest.Pytester, name: str, **modules: str) -> None:
    folder = project.mkpydir(name)
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text)


# -- a project that uses the fixture and has a model_zoo of its own ---------------------------------------------------


def test_live_models_paths_and_callables_are_checked(project, models_folder):
    write_package(project, "model_zoo", nets=SMALL_NETS)
    project.makepyfile(f"""
        import os
        from model_zoo import nets

        def test_their_model_zoo_is_theirs():
            assert os.path.dirname(nets.__file__) == os.path.join({str(project.path)!r}, "model_zoo")

        def test_live_model(dnn_check):
            records = dnn_check(nets.build(), input_shape=(1, 6, 9, 3), routes=["pb", "onnx"])
            assert [(record.route, record.outcome) for record in records] == [("onnx", "ok"), ("pb", "ok")]

        def test_path(dnn_check):
            (record,) = dnn_check({str(models_folder / "seed.keras")!r}, routes=["pb"])
            assert record.outcome == "ok" and record.parity.margin < 1

        def test_callable_in_their_own_model_zoo(dnn_check):
            (record,) = dnn_check("model_zoo.nets:build", routes=["onnx"])
            assert record.case == "model_zoo.nets:build" and record.outcome == "ok"
    """)
    result = run(project)
    result.assert_outcomes(passed=4)


def test_a_model_that_fails_says_why_and_how_to_see_it_again(project, models_folder):
    path = models_folder / "seed.keras"
    project.makepyfile(f"""
        def test_crash(dnn_check):
            dnn_check({str(path)!r}, routes=["pb-naive"])
    """)
    result = run(project)
    result.assert_outcomes(failed=1)
    lines = result.stdout.lines
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{path} [pb-naive, OpenCV "))
    assert lines[start].endswith(", but should be ok")
    assert lines[start + 2].strip() == f"dnn-harness check {path} --route pb-naive --opencv installed"
    assert lines[start + 3].startswith("=")  # and nothing comes after it
    no_traceback(result)


MISTAKES = {
    "dnn_check('nowhere.keras')": "nowhere.keras does not exist; give a .keras",
    "dnn_check(42)": "got a int; give a Keras model or layer",
    "dnn_check('layers/conv2d/valid-rely')": "did you mean layers/conv2d/valid-relu",
    "dnn_check('layers/conv2d/valid-relu', routes=['caffe'])": "there is no route 'caffe'; choose from",
    "dnn_check('layers/conv2d/valid-relu', opencv=['newest'])": "'newest' is no OpenCV to run on",
}


def test_a_mistake_in_the_call_is_one_sentence(project):
    tests = [f"def test_{index}(dnn_check): {call}" for index, call in enumerate(MISTAKES)]
    project.makepyfile("\n".join(tests))
    result = run(project, "-rN")
    result.assert_outcomes(failed=len(MISTAKES))
    for words in MISTAKES.values():
        assert sum(words in line for line in result.stdout.lines) == 1
    no_traceback(result)


def test_a_mistake_in_the_settings_is_one_sentence(project):
    project.makepyprojecttoml("[tool.dnn-harness]\nroutes = ['pb']")
    project.makepyfile("def test_model(dnn_check): dnn_check('layers/conv2d/valid-relu')")
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*pyproject.toml: unknown key 'routes' in [[]tool.dnn-harness]*"])
    no_traceback(result)


def no_traceback(result: pytest.RunResult) -> None:
    text = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in text
    assert "During handling" not in text
    assert "dnn_harness_plugin.py:" not in text


# -- projects with a harness.py of their own --------------------------------------------------------------------------


def test_a_project_with_its_own_harness_does_not_notice_us(project):
    project.makepyfile(harness="ANSWER = 42")
    project.makepyfile("""
        import sys
        import harness

        def test_theirs_is_imported():
            assert harness.ANSWER == 42

        def test_nothing_of_ours_is():
            ours = {name for name in sys.modules if name.partition(".")[0] in {"dnn_harness_plugin", "model_zoo"}}
            heavy = {"tensorflow", "keras", "cv2", "numpy", "rich", "cattrs"} & set(sys.modules)
            assert (ours, heavy) == ({"dnn_harness_plugin"}, set())
    """)
    # Other plugins of this machine may import what they like; the question is what ours does.
    result = run(project, "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=2)
    assert result.stderr.str() == ""


def test_a_project_without_any_of_it_loads_the_door_alone(project):
    project.makepyfile("""
        import sys

        def test_door():
            assert "dnn_harness_plugin" in sys.modules
            assert {"harness", "model_zoo", "tensorflow", "cv2"} & set(sys.modules) == set()
    """)
    run(project).assert_outcomes(passed=1)


def test_a_project_with_its_own_harness_that_uses_us_gets_the_way_out(project):
    project.makepyfile(harness="ANSWER = 42")
    project.makepyfile("""
        def test_model(dnn_check):
            dnn_check("seed_cnn")
    """)
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*import harness*finds {project.path / 'harness.py'}*Rename yours*"])
    no_traceback(result)


def test_the_way_out_works(project, monkeypatch):
    project.makepyfile(harness="ANSWER = 42")
    project.makepyfile("""
        import sys

        def test_model(dnn_check):
            assert "site" in sys.modules["harness"].__file__
    """)
    # As the script `pytest` starts: without the current folder on sys.path, which pytester adds.
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    command = [sys.executable, "-m", "pytest", "--import-mode=importlib", "-W", "error"]
    done = subprocess.run(command, cwd=project.path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout


# -- pytest-xdist -----------------------------------------------------------------------------------------------------


def test_xdist_workers_share_the_store(project, models_folder):
    pytest.importorskip("xdist")
    project.makepyfile(f"""
        import os
        import pytest

        @pytest.mark.parametrize("route", ["pb", "onnx"])
        def test_route(dnn_check, route, record_property):
            assert os.environ["PYTEST_XDIST_WORKER"]
            dnn_check({str(models_folder / "seed.keras")!r}, routes=[route])
    """)
    result = run(project, "-n", "2")
    result.assert_outcomes(passed=2)


def test_options_are_declared_once_and_explained(project):
    result = run(project, "--help")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*Keras models in OpenCV*", "*--dnn-opencv=*", "*--dnn-route=*"])
