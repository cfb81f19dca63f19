"""The host's side of the exporter: starts the child on first use and turns its answers into values.

The child is the only code that imports TensorFlow; here nothing does.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import PACKAGE, errors
from harness.anatomy import Anatomy
from harness.chains import Chain
from harness.effects.process import Child
from harness.encoding import from_data, to_data
from harness.errors import ChildDiedError, ChildTimeoutError, ExportFailedError, HarnessError
from harness.manifests import Manifest, ModelInfo, OpEntries
from harness.sources import Source
from harness.suggestions import Suggestions

_SHIELDED = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # its kernels reorder sums by machine; the reference should not
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONDONTWRITEBYTECODE": "1",
}
START_SECONDS = 180.0


class ExporterLostError(HarnessError):
    """The exporter child crashed or overran its deadline: nothing is known of the model, so nothing is stored."""


class Exporter:
    """One exporter child, started when first asked and again after it was lost. Use from one thread at a time."""

    def __init__(self, *, seconds: float, threads: int = 1) -> None:
        """Allow each request `seconds`; TensorFlow computes with `threads`."""
        self._seconds = seconds
        self._threads = threads
        self._child: Child | None = None
        self._discard_scratch: weakref.finalize[..., Exporter] | None = None
        """Removes the child's temporary files: TensorFlow leaves some behind at each tracing."""

    def describe(self, source: Source) -> ModelInfo:
        """Open a model and say what it is. Raises ModelRejectedError, ExporterLostError."""
        return from_data(self._ask("describe", source=to_data(source)), ModelInfo)

    def anatomy(self, source: Source) -> Anatomy:
        """Take a model apart into its layers. Raises ModelRejectedError, ExportFailedError (no TensorFlow graph)."""
        return from_data(self._ask("anatomy", source=to_data(source)), Anatomy)

    def export(self, source: Source, route: str, folder: Path, opset: int | None = None) -> Manifest:
        """Write the artifact's files into an empty folder. Raises ExportFailedError, ModelRejectedError.

        `opset` is one of the route's; None is the route's own choice.
        """
        result = self._ask("export", source=to_data(source), route=route, directory=str(folder), opset=opset)
        return from_data(result, Manifest)

    def reference(self, source: Source, inputs: Sequence[Path], outputs: Sequence[Path]) -> Mapping[str, str]:
        """Compute TensorFlow's outputs for `.npz` inputs (arrays `i0`, `i1` ...) into `.npz` outputs.

        Returns `weights_digest` and `why`. Raises NoReferenceError.
        """
        names = {"inputs": [str(path) for path in inputs], "outputs": [str(path) for path in outputs]}
        result = self._ask("reference", source=to_data(source), **names)
        return {"weights_digest": str(result["weights_digest"]), "why": str(result["why"])}

    def values(self, source: Source, feed: Path, output: Path) -> None:
        """Compute TensorFlow's float32 outputs (`o0`, `o1` ...) for one `.npz` input. Raises NoReferenceError."""
        self._ask("values", source=to_data(source), input=str(feed), output=str(output))

    def rounding(self, source: Source, feed: Path) -> tuple[list[float], list[float]]:
        """Return how far each output goes for one `.npz` input as that moves by an ulp, and as means are off.

        Raises NoReferenceError.
        """
        result = self._ask("rounding", source=to_data(source), input=str(feed))
        return result["moved"], result["bent"]

    def single_ops(self, model: Path, manifest: Manifest, folder: Path) -> OpEntries:
        """Write a model for each distinct operation of an ONNX file. Raises ExportFailedError."""
        result = self._ask("ops", model=str(model), manifest=to_data(manifest), directory=str(folder))
        return from_data(result, OpEntries)

    def suggest(self, source: Source, layers: Sequence[str]) -> Suggestions:
        """Say which other ways there are to write some layers. Raises ModelRejectedError, ExportFailedError."""
        return from_data(self._ask("suggest", source=to_data(source), layers=list(layers)), Suggestions)

    def chain(self, source: Source, layers: Sequence[str], shape: Sequence[int]) -> Chain:
        """Give layers of a model as a chain on an input. Raises ExportFailedError where they are no stock layers."""
        return from_data(self._ask("chain", source=to_data(source), layers=list(layers), shape=list(shape)), Chain)

    @property
    def pid(self) -> int | None:
        """Process id of the child; None while there is none."""
        return self._child.pid if self._child is not None and self._child.alive else None

    @property
    def started(self) -> bool:
        """Whether TensorFlow was needed at all."""
        return self._child is not None

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child is not None:
            self._child.close()
        if self._discard_scratch is not None:
            self._discard_scratch()

    def _new_scratch(self) -> str:
        """Return an empty folder for a child's temporary files, in place of the last child's."""
        if self._discard_scratch is not None:
            self._discard_scratch()
        folder = tempfile.mkdtemp(prefix="dnn-harness-exporter-")
        self._discard_scratch = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _ask(self, do: str, **words: Any) -> Any:
        fresh = self._child is None or not self._child.alive
        if fresh:
            environment = {**exporter_environment(), "TMPDIR": self._new_scratch()}
            self._child = Child(exporter_argv(self._threads), name="the exporter", env=environment)
        assert self._child is not None  # noqa: S101 - for mypy: it was started above
        deadline = self._seconds + (START_SECONDS if fresh else 0.0)
        try:
            header = self._child.request({"do": do, **words}, deadline_seconds=deadline).header
        except ChildTimeoutError as error:
            raise ExporterLostError(
                f"exporting took more than {deadline:g} s; allow more with --export-seconds"
            ) from error
        except ChildDiedError as error:
            raise ExporterLostError(f"{error}{_last_words(error.stderr)}") from error
        if not header.get("ok"):
            raise _error(str(header.get("error")), str(header.get("message")))
        if header.get("worn"):  # it holds memory that it cannot give back; the next request gets a fresh one
            self._child.close()
        return header["result"]


# `harness` is found beside this file whatever else carries that name (a user's own harness.py), then the import path
# becomes the host's own again, so that `package.module:callable` means in the child what it means in the host.
_BOOTSTRAP = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
import harness
del sys.path[0]
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


def exporter_argv(threads: int, program: str = "harness.export") -> list[str]:
    """Return the command that starts the child, or another program of its kind, with our own interpreter."""
    ours = str(PACKAGE.parent)
    return [sys.executable, "-P", "-c", _BOOTSTRAP, ours, program, "--threads", str(threads)]


def exporter_environment() -> dict[str, str]:
    """Return its environment: the host's import path, and the current folder, where a user's own modules are."""
    path = dict.fromkeys([str(Path.cwd()), *(entry for entry in sys.path if entry)])
    return {**os.environ, **_SHIELDED, "PYTHONPATH": os.pathsep.join(path)}


def _error(name: str, message: str) -> HarnessError:
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, HarnessError) and kind not in {ChildDiedError, ChildTimeoutError}:
        return kind(message)
    return ExporterLostError(f"{name}: {message}")


def _last_words(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return f"; its last words: {lines[-1][:300]}" if lines else ""


__all__ = ["ExportFailedError", "Exporter", "ExporterLostError", "exporter_argv", "exporter_environment"]
