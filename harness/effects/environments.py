"""OpenCV environments: from what the user names to an interpreter, or a command, that can import that cv2.

`installed` is the interpreter we run in; `path:/some/python` is somebody's own; a release (`4.14.0.94`, or
`4.14.0.94+contrib` of another wheel) gets a virtual environment of its own, made by uv and kept; `ssh board python3 -`
is a Python that reads its program from standard input, wherever it runs; `onnxruntime` is no OpenCV at all but ONNX
Runtime beside us, run under its name. Host side: cv2 is never imported here.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from filelock import FileLock
from packaging.version import Version

from harness import PACKAGE
from harness.effects.releases import WHEELS, Release, Releases, parse_release, stands_for_several
from harness.effects.uv import UvRefusedError, uv
from harness.errors import EnvironmentFailedError, UsageError

INSTALLED = "installed"
ONNX_RUNTIME = "onnxruntime"
"""An independent float32 implementation of ONNX, to hold OpenCV's errors, and our tolerances, against."""
WHAT_TO_WRITE = (
    "'installed', a release such as 4.14.0.94, a range such as 4.8:5.0, latest, path:/folder/bin/python, "
    "a command such as 'ssh board python3 -', or onnxruntime"
)
_FIRST_WITH_NUMPY_2 = Version("4.10.0.84")
"""Older wheels were built against numpy 1 and crash on import beside numpy 2."""
_LAST_WITH_NUMPY_1 = (3, 12)
"""numpy 1 has no wheels for later Pythons; another one is looked for then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One interpreter that should have cv2."""

    asked: str
    """What the user wrote."""
    python: Path | None
    """The interpreter, where it is one on this machine."""
    release: str | None = None
    """Wheel release, where known without asking the interpreter."""
    cv2_from: Path | None = None
    """Folder of the module that stands in for cv2, or None where the interpreter has cv2 itself."""
    command: tuple[str, ...] = ()
    """What to run in place of an interpreter: a Python, here or elsewhere, that is given its program as text."""


class Environments:
    """Finds and makes environments below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.releases = Releases(root / "releases.json")

    def spelled_out(self, words: Iterable[str], *, ask: bool = False) -> tuple[str, ...]:
        """Return the words of `--opencv` with each that stands for several releases replaced by those, each once.

        With `ask`, the package index is asked even where its last answer is remembered. Raises EnvironmentFailedError.
        """
        found: list[str] = []
        for word in words:
            several = self.releases.meant_by(word, ask=ask) if stands_for_several(word) else ()
            found += [release.name for release in several] or [word]
        return tuple(dict.fromkeys(found))

    def resolve(self, asked: str) -> Environment:
        """Return the environment for one word of `--opencv` that stands for one.

        Raises EnvironmentFailedError where it cannot be had, UsageError where it means nothing.
        """
        if asked == INSTALLED:
            return Environment(asked=asked, python=Path(sys.executable), release=installed_release())
        if asked == ONNX_RUNTIME:
            return _onnx_runtime()
        if asked.startswith("path:"):
            return _own(asked)
        if is_command(asked):
            return _elsewhere(asked)
        release = parse_release(asked)
        if release is None:
            raise UsageError(f"{asked!r} is no OpenCV to run on; write {WHAT_TO_WRITE}")
        return self._provide(release)

    def made(self) -> tuple[Environment, ...]:
        """Return the environments that exist already."""
        pythons = sorted(self.root.glob("[!.]*/bin/python"))  # a name with a dot is a draft
        return tuple(Environment(asked=p.parts[-3], python=p, release=p.parts[-3]) for p in pythons)

    def _provide(self, release: Release) -> Environment:
        folder = self.root / release.name
        python = folder / "bin" / "python"
        environment = Environment(asked=release.name, python=python, release=release.name)
        if python.exists():
            return environment
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EnvironmentFailedError(
                f"cannot make {self.root}: {error.strerror}; choose another --store"
            ) from error
        with FileLock(self.root / f".{release.name}.lock"):
            if not python.exists():
                self._make(folder, release)
        return environment

    def _make(self, folder: Path, release: Release) -> None:
        """Build beside the final place and rename: a killed installation leaves nothing that looks finished."""
        draft = folder.with_name(f".{folder.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        old = Version(release.number) < _FIRST_WITH_NUMPY_2
        too_new = old and sys.version_info[:2] > _LAST_WITH_NUMPY_1
        interpreter = "<=3.12" if too_new else sys.executable
        try:
            # Relocatable: scripts in it survive the rename.
            uv(["venv", "--quiet", "--relocatable", "--python", interpreter, str(draft)])
            python = str(draft / "bin" / "python")
            needed = [release.requirement, "numpy<2" if old else "numpy>=2"]
            uv(["pip", "install", "--quiet", "--only-binary", ":all:", "--python", python, *needed])
            shutil.rmtree(folder, ignore_errors=True)  # one whose interpreter is gone, since Python was upgraded
            draft.rename(folder)
        except UvRefusedError as error:
            raise EnvironmentFailedError(
                f"OpenCV {release.name} cannot be installed: {error}; `pip index versions {WHEELS[release.wheel]}` "
                "lists the releases"
            ) from error
        finally:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(draft)


def is_command(asked: str) -> bool:
    """Whether a word is a command line of several words."""
    return not asked.startswith("path:") and len(asked.split()) > 1


def installed_release() -> str | None:
    """Return the release of the OpenCV wheel beside us, or None where there is none (a source build, or no OpenCV)."""
    for name in WHEELS.values():
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def _own(asked: str) -> Environment:
    python = Path(asked.removeprefix("path:")).expanduser()
    if not (python.is_file() and os.access(python, os.X_OK)):
        raise UsageError(f"{asked!r}: {python} is no executable; name the interpreter itself")
    return Environment(asked=asked, python=python)


def _elsewhere(asked: str) -> Environment:
    try:
        words = shlex.split(asked)
    except ValueError as error:
        raise UsageError(f"{asked!r} cannot be split into words: {error}; close its quotes") from None
    if words[-1] != "-":
        raise UsageError(
            f"{asked!r} does not end in -; write a Python that reads its program, such as 'ssh board python3 -'"
        )
    if shutil.which(words[0]) is None:
        raise UsageError(f"{asked!r}: there is no command {words[0]!r}; name one that can be run here")
    return Environment(asked=asked, python=None, command=tuple(words))


def _onnx_runtime() -> Environment:
    if importlib.util.find_spec(ONNX_RUNTIME) is None:
        raise EnvironmentFailedError(
            f"ONNX Runtime is not installed beside {sys.executable}; run `{sys.executable} -m pip install onnxruntime`"
        )
    standin = PACKAGE / "standins" / ONNX_RUNTIME
    return Environment(asked=ONNX_RUNTIME, python=Path(sys.executable), cv2_from=standin)
