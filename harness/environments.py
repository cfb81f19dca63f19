"""OpenCV environments: from what the user names to an interpreter that can import that cv2.

`installed` is the interpreter we run in; `path:/some/python` is somebody's own; a release (`4.14.0.94`) gets a virtual
environment of its own, made by uv and kept; `onnxruntime` is no OpenCV at all but ONNX Runtime beside us, run under its
name. Host side: cv2 is never imported here.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from filelock import FileLock
from packaging.version import InvalidVersion, Version

from harness.errors import EnvironmentFailedError

INSTALLED = "installed"
ONNX_RUNTIME = "onnxruntime"
"""An independent float32 implementation of ONNX, to hold OpenCV's errors, and our tolerances, against."""
_DISTRIBUTIONS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
_FIRST_WITH_NUMPY_2 = Version("4.10.0.84")
"""Older wheels were built against numpy 1 and crash on import beside numpy 2."""
_INSTALL_SECONDS = 600
_UV_DRAWING = " \t\u2502\u2570\u2500\u25b6\u00d7"
"""Box drawing and cross with which uv sets its messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One interpreter that should have cv2."""

    asked: str
    """What the user wrote."""
    python: Path
    release: str | None = None
    """Wheel release, where known without asking the interpreter."""
    cv2_from: Path | None = None
    """Folder of the module that stands in for cv2, or None where the interpreter has cv2 itself."""


class Environments:
    """Finds and makes environments below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def resolve(self, asked: str) -> Environment:
        """Return the environment for one word of `--opencv`. Raises EnvironmentFailedError."""
        if asked == INSTALLED:
            return Environment(asked=asked, python=Path(sys.executable), release=installed_release())
        if asked == ONNX_RUNTIME:
            return _onnx_runtime()
        if asked.startswith("path:"):
            return _own(asked)
        try:
            release = Version(asked)
        except InvalidVersion:
            raise EnvironmentFailedError(
                f"{asked!r} is no OpenCV to run on; write 'installed', a release such as 4.14.0.94, "
                "path:/folder/bin/python, or onnxruntime"
            ) from None
        return self._provide(asked, release)

    def made(self) -> tuple[Environment, ...]:
        """Return the environments that exist already."""
        pythons = sorted(self.root.glob("[!.]*/bin/python"))  # a name with a dot is a draft
        return tuple(Environment(asked=p.parts[-3], python=p, release=p.parts[-3]) for p in pythons)

    def _provide(self, asked: str, release: Version) -> Environment:
        folder = self.root / asked
        python = folder / "bin" / "python"
        environment = Environment(asked=asked, python=python, release=asked)
        if python.exists():
            return environment
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EnvironmentFailedError(
                f"cannot make {self.root}: {error.strerror}; choose another --store"
            ) from error
        with FileLock(self.root / f".{asked}.lock"):
            if not python.exists():
                self._make(folder, release, asked)
        return environment

    def _make(self, folder: Path, release: Version, asked: str) -> None:
        """Build beside the final place and rename: a killed installation leaves nothing that looks finished."""
        draft = folder.with_name(f".{folder.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        numpy = "numpy<2" if release < _FIRST_WITH_NUMPY_2 else "numpy>=2"
        try:
            # Relocatable: scripts in it survive the rename. Headless: a worker draws nothing and needs no libGL.
            _uv("venv", "--quiet", "--relocatable", "--python", sys.executable, str(draft), asked=asked)
            python = str(draft / "bin" / "python")
            wheel = f"opencv-python-headless=={asked}"
            _uv("pip", "install", "--quiet", "--only-binary", ":all:", "--python", python, wheel, numpy, asked=asked)
            shutil.rmtree(folder, ignore_errors=True)  # one whose interpreter is gone, since Python was upgraded
            draft.rename(folder)
        finally:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(draft)


def installed_release() -> str | None:
    """Return the release of the OpenCV wheel beside us, or None where there is none (a source build, or no OpenCV)."""
    for name in _DISTRIBUTIONS:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def _own(asked: str) -> Environment:
    python = Path(asked.removeprefix("path:")).expanduser()
    if not (python.is_file() and os.access(python, os.X_OK)):
        raise EnvironmentFailedError(f"{asked!r}: {python} is no executable; name the interpreter itself")
    return Environment(asked=asked, python=python)


def _onnx_runtime() -> Environment:
    if importlib.util.find_spec(ONNX_RUNTIME) is None:
        raise EnvironmentFailedError(
            f"ONNX Runtime is not installed beside {sys.executable}; run `{sys.executable} -m pip install onnxruntime`"
        )
    standin = Path(__file__).with_name("standins") / ONNX_RUNTIME
    return Environment(asked=ONNX_RUNTIME, python=Path(sys.executable), cv2_from=standin)


def _uv(*arguments: str, asked: str) -> None:
    from uv import find_uv_bin

    try:
        done = subprocess.run(
            [find_uv_bin(), *arguments],
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            check=False,
            env={**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "VIRTUAL_ENV": ""},
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailedError(f"OpenCV {asked} could not be installed within {_INSTALL_SECONDS} s") from error
    if done.returncode:
        words = " ".join(line.strip(_UV_DRAWING) for line in done.stderr.strip().splitlines())
        raise EnvironmentFailedError(
            f"OpenCV {asked} cannot be installed: {words[-800:]}; `pip index versions opencv-python` lists the releases"
        )
