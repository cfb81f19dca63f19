"""The host's side of the program that plants faults in model files: a child that knows onnx, started on first use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.effects.exporting import exporter_argv, exporter_environment
from harness.effects.process import Child
from harness.encoding import to_data
from harness.errors import HarnessError
from harness.sources import Source

_PROGRAM = "harness.export.faults"
_SECONDS = 120.0
_SECONDS_KERAS = 600.0
"""Building a model anew takes TensorFlow."""


class Planter:
    """One child that writes faulty copies of models. Use from one thread at a time."""

    def __init__(self) -> None:
        self._child: Child | None = None

    def plant(self, model: Path, kind: str, seed: str, out: Path) -> str | None:
        """Write a faulty copy of an ONNX file and return what was changed; None where the fault does not apply."""
        words = {"model": str(model), "kind": kind, "seed": seed, "out": str(out)}
        return self._ask("plant", _SECONDS, **words)

    def plant_in_keras(self, source: Source, opset: int | None, kind: str, out: Path) -> str | None:
        """Build a model with a fault, export it by route `onnx`, and return what was changed; None as above."""
        return self._ask("plant-in-keras", _SECONDS_KERAS, source=to_data(source), opset=opset, kind=kind, out=str(out))

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def _ask(self, do: str, seconds: float, **words: Any) -> str | None:
        if self._child is None or not self._child.alive:
            argv = exporter_argv(1, program=_PROGRAM)
            self._child = Child(argv, name="the planter of faults", env=exporter_environment())
        header = self._child.request({"do": do, **words}, deadline_seconds=seconds).header
        if not header.get("ok"):
            raise HarnessError(f"planting failed: {header.get('error')}: {header.get('message')}")
        change = header["result"]
        return None if change is None else str(change)
