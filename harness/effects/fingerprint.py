"""What a stored artifact depends on, as digests: the model's source, the exporter's code, the packages it ran on.

Reads source files; imports none of the packages it names (TensorFlow's version comes from its metadata).
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import threading
import zipfile
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness import PACKAGE

EXPORTER_PACKAGES = ("tensorflow", "keras", "tf2onnx", "onnx", "numpy", "protobuf")
"""Packages whose release can change an artifact's bytes or a reference's numbers."""

_EXPORTER_CODE = ("export", "routes")
_FAULTS = PACKAGE / "export" / "faults"
_NO_ARTIFACT = (_FAULTS, PACKAGE / "export" / "timing")
"""Plants faults in copies of artifacts, and times TensorFlow: what they do is in no artifact and no reference."""
_KERAS_METADATA = "metadata.json"
_PARSING = threading.Lock()
"""Python before 3.11.8 and 3.12.2 raises SystemError where two threads parse at once (python/cpython#106905)."""


def combine(*parts: str) -> str:
    """Return one digest (32 hex digits) of several strings."""
    state = hashlib.sha256()
    for part in parts:
        state.update(f"{len(part)}:{part}".encode())
    return state.hexdigest()[:32]


@cache
def exporter() -> str:
    """Return the digest of everything on the exporter's side: its code and its packages' releases."""
    folders = [PACKAGE / name for name in _EXPORTER_CODE]
    found = (path for folder in folders for path in sorted(folder.rglob("*.py")))
    code = [path for path in found if not set(_NO_ARTIFACT).intersection(path.parents)]
    return combine(files(code, PACKAGE), *(f"{name}={_release(name)}" for name in EXPORTER_PACKAGES))


def host() -> str:
    """Return the digest of the harness's own code: the host's and the worker's."""
    aside = [PACKAGE / name for name in (*_EXPORTER_CODE, "report")]
    code = (path for path in sorted(PACKAGE.rglob("*.py")) if not set(aside).intersection(path.parents))
    return files(code, PACKAGE)


def faults() -> str:
    """Return the digest of the program that plants faults."""
    return files(sorted(_FAULTS.glob("*.py")), _FAULTS)


def _release(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def path(model: Path) -> str:
    """Return the digest of a model file, or of every file in a SavedModel folder.

    A `.keras` archive notes when it was saved: that is passed over, so that a model saved twice is the same model.
    """
    if model.is_dir():
        return files(sorted(found for found in model.rglob("*") if found.is_file()), model)
    # No archive, or a damaged one, of which zipfile makes anything from zlib.error to OSError: then every byte counts.
    with contextlib.suppress(Exception):
        return _archive(model)
    with model.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:32]


def _archive(model: Path) -> str:
    found = []
    with zipfile.ZipFile(model) as archive:
        for name in sorted(set(archive.namelist()) - {_KERAS_METADATA}):
            with archive.open(name) as member:
                found.append(f"{name}={hashlib.file_digest(member, 'sha256').hexdigest()}")  # type: ignore[arg-type]
    return combine(*found)


def files(paths: Iterable[Path], root: Path) -> str:
    """Return the digest of files' names (relative to `root`) and bytes."""
    state = hashlib.sha256()
    for found in paths:
        state.update(f"{found.relative_to(root).as_posix()}\0{found.stat().st_size}\0".encode())
        with found.open("rb") as stream:
            state.update(hashlib.file_digest(stream, "sha256").digest())
    return state.hexdigest()[:32]


@cache
def module(name: str) -> str:
    """Return the digest of a module's source and of every module of the same top-level package it imports.

    That is what a zoo case depends on: editing one family leaves the other families' artifacts valid.
    """
    sources = dict(sorted(_closure(name, name.partition(".")[0])))
    return combine(*(f"{key}={hashlib.sha256(origin.read_bytes()).hexdigest()}" for key, origin in sources.items()))


def _closure(start: str, package: str) -> Iterator[tuple[str, Path]]:
    waiting, seen = [start], set[str]()
    while waiting:
        name = waiting.pop()
        origin = _origin(name)
        if name in seen or origin is None:
            continue
        seen.add(name)
        yield name, origin
        waiting.extend(found for found in _imports(origin, name) if found.partition(".")[0] == package)


def _origin(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # `from package.module import name` offers package.module.name as well
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _imports(origin: Path, name: str) -> Iterator[str]:
    is_package = origin.name == "__init__.py"
    with _PARSING:
        tree = ast.parse(origin.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = name.split(".")[: None if is_package and node.level == 1 else -(node.level - is_package)]
                base = ".".join([*above, *([base] if base else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
