"""The ONNX backend tests on disk: written once per release of `onnx` by a child, then read without importing it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path

from harness import PACKAGE
from harness.effects import fingerprint
from harness.effects.artifacts import ArtifactStore
from harness.encoding import from_json
from harness.errors import HarnessError, UsageError
from harness.manifests import Manifest, Port, TensorSpec
from harness.operators import OperatorCase
from harness.pure import npy
from harness.pure.npy import Array

_KIND = "operators"
_PROGRAM = "harness.effects.onnx_cases"
_PACKAGES = ("onnx", "numpy", "ml_dtypes")
"""Packages whose release can change a case or its data: the node tests are computed."""
_SECONDS = 600.0

DataSet = tuple[tuple[Array, ...], tuple[Array, ...]]
"""Inputs and expected outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Every backend test of one release of `onnx`."""

    folder: Path
    key: str
    source: str
    cases: tuple[OperatorCase, ...]

    def select(self, wanted: str) -> tuple[OperatorCase, ...]:
        """Return the cases whose id, name or operator a glob matches. Raises UsageError where there is none."""
        found = tuple(case for case in self.cases if _matches(case, wanted))
        if not found:
            raise UsageError(f"no backend test of {self.source} is called {wanted!r}; try 'node/*conv*' or 'Conv'")
        return found

    def model(self, case: OperatorCase) -> Path:
        """Return a case's model file."""
        return self.folder / case.id / "model.onnx"

    def data_sets(self, case: OperatorCase) -> tuple[DataSet, ...]:
        """Read all data sets of a case; none where its data cannot be handed to OpenCV."""
        if case.not_expressible:
            return ()
        return tuple(self._data_set(case, index) for index in range(len(case.input_dtypes)))

    def _data_set(self, case: OperatorCase, index: int) -> DataSet:
        arrays = tuple(npy.load_all((self.folder / case.id / f"data_{index}.npys").read_bytes()))
        return arrays[: len(case.inputs)], arrays[len(case.inputs) :]


def _matches(case: OperatorCase, wanted: str) -> bool:
    return any(fnmatchcase(name, wanted) for name in (case.id, case.id.partition("/")[2], case.operator))


def manifest(case: OperatorCase) -> Manifest:
    """Return a case's model as `observing` wants it described: the names of what goes in and out."""
    return Manifest(
        route="onnx-backend-test",
        format="onnx",
        file="model.onnx",
        inputs=_ports(case.inputs),
        outputs=_ports(case.outputs),
        weights_digest="",
        ops=case.ops,
        opset=case.opset,
    )


def _ports(names: Sequence[str]) -> tuple[Port, ...]:
    return tuple(Port(name=name, tensor=TensorSpec(name=name, shape=())) for name in names)


def provide(store: ArtifactStore) -> Corpus:
    """Return the corpus of the installed `onnx`; the first time, a child writes it, which takes ten seconds.

    Raises HarnessError where the child fails.
    """
    releases = [f"{name} {version(name)}" for name in _PACKAGES]
    key = fingerprint.combine(*releases, fingerprint.module(_PROGRAM))
    folder = store.get(_KIND, key)
    if folder is None:
        with store.lock(_KIND, key):
            folder = store.get(_KIND, key) or _build(store, key)
    text = (folder / "cases.jsonl").read_text(encoding="utf-8")
    cases = tuple(from_json(line, OperatorCase) for line in text.splitlines())
    return Corpus(folder=folder, key=key, source=releases[0], cases=cases)


def _build(store: ArtifactStore, key: str) -> Path:
    with store.scratch() as scratch:
        folder = scratch / "corpus"
        folder.mkdir()
        # Its warnings are numpy's about the infinities that tests are made of.
        command = [sys.executable, "-W", "ignore", "-m", _PROGRAM, str(folder)]
        ours = str(PACKAGE.parent)
        path = os.pathsep.join(dict.fromkeys([ours, *(entry for entry in sys.path if entry)]))
        try:
            done = subprocess.run(
                command,
                env={**os.environ, "PYTHONPATH": path},
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise HarnessError(f"the ONNX backend tests were not written within {_SECONDS:g} s; try again") from None
        if done.returncode:
            last = done.stderr.strip().rpartition("\n")[2]
            raise HarnessError(f"the ONNX backend tests could not be written: {last}; install onnx anew")
        return store.put(_KIND, key, folder)
