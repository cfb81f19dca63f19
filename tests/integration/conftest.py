"""Fixtures that start the real thing: the command line as a process, the wheel, models that TensorFlow wrote."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from filelock import FileLock

from harness.cells import subjects
from harness.effects.config import settle
from harness.records import Record
from harness.usecases.checking import check
from harness.usecases.session import Session

ROOT = Path(__file__).parents[2]
SECONDS = 300
"""Deadline of one command; a cold one imports TensorFlow, which takes a busy machine its time."""
PATIENCE_SECONDS = 120
"""How long something may take to happen in a process that runs."""
NEEDED_TO_BUILD = ("pyproject.toml", "README.md", "LICENSE", "dnn_harness_plugin.py", "harness", "model_zoo")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """`dnn-harness` as installed from our wheel, with a store and environment of its own.

    Not from the checkout: whoever edits that meanwhile changes what a run depends on, and it would not resume.
    """

    environment: dict[str, str] = field(default_factory=dict)

    def argv(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "harness.cli", *map(str, arguments)]

    def __call__(self, *arguments: object, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*arguments),
            cwd=cwd,
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def start(self, *arguments: object, cwd: Path | None = None, **more: str) -> subprocess.Popen[str]:
        """Start in a session of its own, so that a signal to its group reaches what a terminal's Ctrl-C reaches."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.argv(*arguments),
            cwd=cwd,
            env=self.environment | more,
            stdout=pipe,
            stderr=pipe,
            text=True,
            start_new_session=True,
        )


def environment_with(store: Path, *path: Path) -> dict[str, str]:
    """The environment of a user who set nothing of ours but the store; wide enough that no table is cut."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DNN_HARNESS_", "PYTEST_"))}
    shown = {"COLUMNS": "200", "NO_COLOR": "1"}
    return kept | shown | {"DNN_HARNESS_STORE": str(store), "PYTHONPATH": os.pathsep.join(map(str, path))}


def await_that(condition: Callable[[], bool]) -> None:
    """Return as soon as something holds that another process brings about."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@contextlib.contextmanager
def made_once(folder: Path) -> Iterator[bool]:
    """Whether this process is the one to fill a folder that all workers of pytest-xdist share."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = folder.with_suffix(".done")
    with FileLock(folder.with_suffix(".lock")):
        yield not done.exists()
        done.touch()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if hasattr(request.config, "workerinput") else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def warm_store(shared_folder: Path) -> Path:
    """A store that fills while the tests run: for those that do not care what is in it."""
    return shared_folder / "store"


@pytest.fixture(scope="session")
def dnn_harness(warm_store: Path, site_packages: Path) -> CommandLine:
    return CommandLine(environment=environment_with(warm_store, site_packages))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """`check` within this process: one exporter and one worker for all checks of a module."""

    session: Session

    def __call__(self, model: str, route: str, *, advice: bool = False) -> tuple[Record, ...]:
        settings = replace(self.session.settings, route=tuple(route.split(",")))
        with self.session.using(settings):
            return check(self.session, subjects.from_text(model, zoo=settings.zoo), advice=advice).records


@pytest.fixture(scope="module")
def checks(warm_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Checks]]:
    """Give a function that writes a module of networks where both processes find it, and returns what checks them."""
    with contextlib.ExitStack() as until_the_end, pytest.MonkeyPatch.context() as patch:

        def of(name: str, text: str) -> Checks:
            folder = tmp_path_factory.mktemp(name)
            (folder / f"{name}.py").write_text(text)
            patch.syspath_prepend(str(folder))
            settings = settle({"store": str(warm_store), "jobs": 1}, start=folder, environ={})
            return Checks(session=until_the_end.enter_context(Session(settings)))

        yield of


@pytest.fixture(scope="session")
def models_folder(shared_folder: Path) -> Path:
    """Every model that `write_models.py` makes, good and bad."""
    folder = shared_folder / "models"
    with made_once(folder) as by_us:
        if by_us:
            folder.mkdir(exist_ok=True)
            script = Path(__file__).with_name("write_models.py")
            quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
            subprocess.run([sys.executable, script, folder], env=os.environ | quiet, timeout=SECONDS, check=True)
    return folder


@pytest.fixture(scope="session")
def site_packages(shared_folder: Path) -> Path:
    """A folder holding what an installation of our wheel puts into site-packages."""
    folder = shared_folder / "site"
    with made_once(folder) as by_us:
        if by_us:
            with zipfile.ZipFile(build_wheel(shared_folder / "build")) as wheel:
                wheel.extractall(folder)
    return folder


def build_wheel(folder: Path) -> Path:
    """Build from links to what is packed, so that the checkout stays clean; the backend itself needs no network."""
    folder.mkdir()
    for name in NEEDED_TO_BUILD:
        (folder / name).symlink_to(ROOT / name)
    build = "import setuptools.build_meta as backend; backend.build_wheel('dist')"
    done = subprocess.run([sys.executable, "-c", build], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel
