"""The host's side of the program that times networks in TensorFlow: a child of its own, started on first use.

Not the exporter: that one asks for kernels that always add in the same order, which nobody who wants speed does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.effects.exporting import START_SECONDS, exporter_argv, exporter_environment
from harness.effects.process import Child
from harness.encoding import to_data
from harness.errors import ChildDiedError, ChildTimeoutError, HarnessError, ProtocolError
from harness.pure import npy
from harness.pure.inputs import Array
from harness.sources import Source

_PROGRAM = "harness.export.timing"
_ASKED_FOR_SAMENESS = "TF_ENABLE_ONEDNN_OPTS"
LAYER_SECONDS = 120.0
"""What all layers of a network may take, one after another."""


class TensorFlow:
    """One child that times one network at a time. Use from one thread at a time."""

    def __init__(self, *, threads: int, seconds: float) -> None:
        """TensorFlow computes with `threads`; each request may take `seconds`."""
        self._threads = threads
        self._seconds = seconds
        self._child: Child | None = None
        self.version = ""
        """Release of TensorFlow, once a network was opened."""

    def open(self, source: Source, arrays: Sequence[Array]) -> str:
        """Open a model and run it on an input; returns the digest of its weights. Raises HarnessError."""
        with tempfile.TemporaryDirectory(prefix="dnn-harness-timing-") as folder:
            feed = npy.write_feed(Path(folder) / "feed.npz", arrays)
            result = self._ask("open", START_SECONDS, source=to_data(source), feed=str(feed))
        self.version = str(result["version"])
        return str(result["weights_digest"])

    def times(self, repeats: int) -> Sequence[float] | None:
        """Return the milliseconds of so many passes by the child's own clock; None where that failed."""
        try:
            result = self._ask("time", self._seconds, repeats=repeats, seconds=self._seconds)
        except HarnessError:
            return None
        return [float(ms) for ms in result["forward_ms"]]

    def layers(self) -> Mapping[str, float]:
        """Return the milliseconds of each layer alone, by Keras name; empty where there are none to be had."""
        try:
            result = self._ask("layers", LAYER_SECONDS, seconds=LAYER_SECONDS)
        except HarnessError:
            return {}
        return {str(name): float(ms) for name, ms in result["layers"].items()}

    @property
    def started(self) -> bool:
        """Whether it was needed at all."""
        return self._child is not None

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def _ask(self, do: str, more_seconds: float, **words: Any) -> Any:
        if self._child is None or not self._child.alive:
            environment = {name: text for name, text in exporter_environment().items() if name != _ASKED_FOR_SAMENESS}
            argv = exporter_argv(self._threads, program=_PROGRAM)
            self._child = Child(argv, name="TensorFlow's clock", env=environment)
        try:
            told = self._child.request({"do": do, **words}, deadline_seconds=self._seconds + more_seconds).header
        except (ChildDiedError, ChildTimeoutError, ProtocolError) as error:
            raise HarnessError(str(error)) from error
        if not told.get("ok"):
            raise HarnessError(f"TensorFlow cannot time the model: {told.get('error')}: {told.get('message')}")
        return told["result"]
