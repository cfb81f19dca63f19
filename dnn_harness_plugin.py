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
    from harness.plugin import DnnCheck, DnnLatency, DnnPace
    from harness.records import Record
    from harness.usecases.session import Session

_OPTIONS = (
    (
        "opencv",
        "OpenCV to run on: installed, a release, 4.8:5.0, latest, path:PYTHON, onnxruntime; a list",
    ),
    ("engine", "OpenCV 5 engines: default, CLASSIC, NEW, AUTO, ORT"),
    ("device", "targets to compute on: CPU, CPU_FP16, OPENCL_FP16; of another backend: CUDA/CUDA_FP16"),
    ("route", "routes to take, with commas"),
    ("zoo", "import names of the zoos to take cases from, with commas"),
    ("expectations", "folders or files of known failures"),
    ("store", "folder of artifacts, references and environments"),
    ("threads", "threads of OpenCV where it is timed"),
    ("tier", "what of the zoo to run in its own suite: core, full, or a glob of case ids"),
)
"""Plain strings: that is what pytest-xdist can hand to its workers."""


class WorkerClock:
    """The clock that pytest-benchmark reads: it goes by the seconds that a worker itself measured."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def worker_seconds(self) -> float:
        """Return the seconds so far."""
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Let it go on."""
        self._seconds += seconds


_MARKERS = {
    "dnn_model(model, input_shape=(), opencv=[], routes=[])": "run the test once for each route and OpenCV; it gets "
    "what became of the model there as `dnn_record`",
    "dnn_latency": "times networks in OpenCV; every test with the fixture `dnn_latency` or `dnn_pace` has it",
}
_CLOCK = pytest.StashKey[WorkerClock]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--dnn-*`."""
    group = parser.getgroup("dnn-harness", "Keras models in OpenCV")
    for name, text in _OPTIONS:
        group.addoption(f"--dnn-{name}", dest=f"dnn_{name}", default=None, help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    for name, text in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark tests of latency, and give each that pytest-benchmark keeps its own clock."""
    fixtures = set(getattr(item, "fixturenames", ()))
    if fixtures & {"dnn_latency", "dnn_pace"}:
        item.add_marker("dnn_latency")
    if "dnn_latency" in fixtures and item.config.pluginmanager.hasplugin("benchmark"):
        item.stash[_CLOCK] = WorkerClock()
        own = item.get_closest_marker("benchmark")
        options = {**(own.kwargs if own else {}), "timer": item.stash[_CLOCK].worker_seconds}
        item.add_marker(pytest.mark.benchmark(**options), append=False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of a marked one for each route and OpenCV."""
    marker = metafunc.definition.get_closest_marker("dnn_model")
    if marker is not None and "dnn_record" in metafunc.fixturenames:
        _plugin().parametrize(metafunc, marker)


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
def dnn_check(dnn_session: Session, tmp_path: Path, request: pytest.FixtureRequest) -> DnnCheck:
    """Give a function that fails the test unless OpenCV loads a model and computes what TensorFlow does.

    `dnn_check(model, input_shape=(1, 64, 64, 3), routes=["onnx"])`; `model` is a Keras model or what the command
    `dnn-harness check` takes. Returns the records; what they say stands in the test's properties, for `--junitxml`.
    """
    check: DnnCheck = _plugin().DnnCheck(dnn_session, tmp_path, request.node)
    return check


@pytest.fixture
def dnn_record(request: pytest.FixtureRequest, dnn_check: DnnCheck) -> Record:
    """Give the record of one cell of a test marked with `dnn_model`: `harness.assert_works(dnn_record)`."""
    marker = request.node.get_closest_marker("dnn_model")
    if marker is None:
        pytest.fail("`dnn_record` belongs to tests marked with @pytest.mark.dnn_model(model, ...)", pytrace=False)
    record: Record = _plugin().record_of(dnn_check, marker, request.param)
    return record


@pytest.fixture
def dnn_latency(request: pytest.FixtureRequest, dnn_session: Session, tmp_path: Path, benchmark: Any) -> DnnLatency:
    """Give a function that times a model in OpenCV for pytest-benchmark, by the clock of the process that runs it.

    `latency = dnn_latency(model, input_shape=(1, 64, 64, 3), route="onnx")`; the test fails where the model does not
    work. `--benchmark-save`, `--benchmark-compare` and `--benchmark-compare-fail` do what they do.
    """
    advance = request.node.stash[_CLOCK].advance
    latency: DnnLatency = _plugin().DnnLatency(dnn_session, tmp_path, benchmark, advance)
    return latency


@pytest.fixture
def dnn_pace(dnn_session: Session, tmp_path: Path) -> DnnPace:
    """Give a function that times a model on two OpenCV in turns: `dnn_pace(model, before="4.14.0.94").speed`."""
    pace: DnnPace = _plugin().DnnPace(dnn_session, tmp_path)
    return pace


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
