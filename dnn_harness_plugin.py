"""The pytest plugin's door: options and fixtures, and nothing heavy.

pytest loads every installed plugin in every project, so this module stands outside the package and imports `harness`
only when one of its fixtures is used. A project that has a `harness.py` of its own and does not use us never notices.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.plugin import DnnCheck
    from harness.session import Session

_OPTIONS = (
    ("opencv", "OpenCV to run on: installed, a release, path:PYTHON, onnxruntime; several with commas"),
    ("engine", "OpenCV 5 engine: default, CLASSIC, NEW, AUTO, ORT"),
    ("device", "target to compute on: CPU, CPU_FP16, OPENCL_FP16; of another backend: CUDA/CUDA_FP16"),
    ("route", "routes to take, with commas"),
    ("zoo", "import names of the zoos to take cases from, with commas"),
    ("expectations", "folders or files of known failures"),
    ("store", "folder of artifacts, references and environments"),
    ("tier", "what of the zoo to run in its own suite: core, full, or a glob of case ids"),
)
"""Plain strings: that is what pytest-xdist can hand to its workers."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--dnn-*`."""
    group = parser.getgroup("dnn-harness", "Keras models in OpenCV")
    for name, text in _OPTIONS:
        group.addoption(f"--dnn-{name}", dest=f"dnn_{name}", default=None, help=text)


@pytest.fixture(scope="session")
def dnn_session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """Give the harness's session: store, environments, children."""
    refusal = ""
    try:
        session = _plugin().open_session(request.config)
    except pytest.UsageError as error:
        refusal = str(error)
    if refusal:  # raised in a fixture, pytest would show it below a traceback of ours, which helps nobody
        pytest.fail(refusal, pytrace=False)
    with session:
        yield session


@pytest.fixture
def dnn_check(dnn_session: Session, tmp_path: Path) -> DnnCheck:
    """Give a function that fails the test unless OpenCV loads a model and computes what TensorFlow does.

    `dnn_check(model, input_shape=(1, 64, 64, 3), routes=["onnx"])`; `model` is a Keras model or what the command
    `dnn-harness check` takes. Returns the records.
    """
    check: DnnCheck = _plugin().DnnCheck(dnn_session, tmp_path)
    return check


def _plugin() -> Any:
    """Import the package, and say so where another `harness` stands in its place."""
    import harness

    ours = Path(__file__).parent / "harness" / "__init__.py"
    found = getattr(harness, "__file__", None)
    if found is None or Path(found).resolve() != ours.resolve():
        raise pytest.UsageError(
            f"`import harness` finds {found}, which stands in front of the one that opencv-dnn-harness installed "
            f"({ours}). Rename yours, or keep its folder off sys.path: `pytest --import-mode=importlib`, "
            "not `python -m pytest`."
        )
    return importlib.import_module("harness.plugin")
