"""The exporter's requests: what a model is, its artifacts, what TensorFlow computes, other ways to write it."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
import time
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.encoding import from_data, to_data, to_json
from harness.errors import ProtocolError
from harness.export import references
from harness.export.cutting import cut
from harness.export.dissecting import heads, take_apart
from harness.export.network import Network
from harness.export.opening import open_source
from harness.export.rebuilding import chain_of
from harness.export.single_ops import single_ops
from harness.export.single_pb_ops import single_pb_ops
from harness.export.suggesting import suggest
from harness.manifests import Manifest, OpEntries
from harness.routes import all_routes
from harness.sources import Source, SourceKind

_WORN_BYTES = 1_600 << 20
"""So much memory without an open model is TensorFlow's own: functions and graphs that it never forgets."""
_WORTH_RETURNING = 64 << 20
"""Looking for garbage takes longer than exporting a layer, so it waits until a request has left so many bytes."""
_OPEN_AT_ONCE = 1
"""The routes of one case come one after the other and share its network; more would only hold memory."""


class Exporter:
    """Opens models and keeps the last few, so that all routes of a case build it once."""

    def __init__(self, *, threads: int) -> None:
        _quieten_tensorflow(threads)
        self._open: OrderedDict[str, Network] = OrderedDict()
        self.worn = False
        """Whether another process should take over: this one holds more than it can give back."""
        self._part: tuple[str, Network] | None = None
        """The last part that was cut out of the open network."""
        self._resident = 0
        """Bytes held when garbage was looked for last."""
        self._requests = {
            "describe": self._describe,
            "anatomy": self._anatomy,
            "export": self._export,
            "reference": self._reference,
            "values": self._values,
            "rounding": self._rounding,
            "ops": self._ops,
            "suggest": self._suggest,
            "chain": self._chain,
        }

    def handle(self, request: dict[str, Any]) -> Any:
        """Answer one request. Raises HarnessErrors, which travel to the host by name."""
        wanted = request.get("do")
        if wanted not in self._requests:
            raise ProtocolError(f"the exporter was asked to do {wanted!r}; it knows {', '.join(self._requests)}")
        try:
            return self._requests[wanted](request)
        finally:
            self._tidy()

    def _tidy(self) -> None:
        """Give back what is worth the search: graphs and models are full of cycles."""
        if _resident_bytes() > self._resident + _WORTH_RETURNING:
            _return_memory()
            self._resident = _resident_bytes()

    def _describe(self, request: dict[str, Any]) -> Any:
        return to_data(self._network(request).info())

    def _anatomy(self, request: dict[str, Any]) -> Any:
        return to_data(take_apart(self._network(request)))

    def _export(self, request: dict[str, Any]) -> Any:
        began = time.perf_counter()
        network = self._network(request)
        route = all_routes()[request["route"]]
        manifest = route.export(network, Path(request["directory"]), request.get("opset"))
        # A part has no heads: whoever asked for it knows what it is a part of.
        found = () if network.file_only or request["source"].get("cut") else tuple(heads(network))
        return to_data(replace(manifest, heads=found, seconds=time.perf_counter() - began))

    def _reference(self, request: dict[str, Any]) -> Any:
        network = self._network(request)
        inputs = [Path(path) for path in request["inputs"]]
        outputs = [Path(path) for path in request["outputs"]]
        why = references.compute(network, inputs, outputs)
        return {"weights_digest": network.weights_digest, "why": why}

    def _values(self, request: dict[str, Any]) -> Any:
        references.values(self._network(request), Path(request["input"]), Path(request["output"]))
        return {}

    def _rounding(self, request: dict[str, Any]) -> Any:
        moved, bent = references.rounding(self._network(request), Path(request["input"]))
        return {"moved": moved, "bent": bent}

    def _ops(self, request: dict[str, Any]) -> Any:
        manifest = from_data(request["manifest"], Manifest)
        by_format = {"onnx": single_ops, "pb": single_pb_ops}
        entries = by_format[manifest.format](Path(request["model"]), manifest, Path(request["directory"]))
        return to_data(OpEntries(entries=entries))

    def _suggest(self, request: dict[str, Any]) -> Any:
        return to_data(suggest(self._network(request), request["layers"]))

    def _chain(self, request: dict[str, Any]) -> Any:
        return to_data(chain_of(self._network(request), request["layers"], tuple(request["shape"])))

    def _network(self, request: dict[str, Any]) -> Network:
        source = from_data(request["source"], Source)
        if source.cut is None:
            return self._whole(source)
        key = f"{to_json(source)} {_stamp(source)}"
        if self._part is None or self._part[0] != key:
            network = self._whole(replace(source, cut=None))
            self._drop_part()
            self._part = key, cut(network, source.cut)
        return self._part[1]

    def _drop_part(self) -> None:
        if self._part is not None:
            self._part[1].close()
            self._part = None

    def _whole(self, source: Source) -> Network:
        key = f"{to_json(source)} {_stamp(source)}"
        if key not in self._open:
            self._drop_part()
            while len(self._open) >= _OPEN_AT_ONCE:
                self._open.popitem(last=False)[1].close()
            for network in self._open.values():
                network.drop_graphs()
            self._tidy()  # before the next ones come
            self.worn = _resident_bytes() > _WORN_BYTES
            self._open[key] = open_source(source)
        self._open.move_to_end(key)
        return self._open[key]


def _stamp(source: Source) -> str:
    """Return what changes when a file is written anew: a long-lived exporter must not answer for the old one."""
    if source.kind in {SourceKind.CASE, SourceKind.CALLABLE, SourceKind.CHAIN}:
        return ""
    path = Path(source.location)
    file = path / "saved_model.pb" if path.is_dir() else path
    if not file.exists():
        return ""  # opening it will say so
    return f"{file.stat().st_mtime_ns}:{file.stat().st_size}"


def _resident_bytes() -> int:
    """Return this process's resident memory; 0 where nothing tells."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def _return_memory() -> None:
    """Give freed memory back to the system: a conversion frees gigabytes that glibc would keep."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def _quieten_tensorflow(threads: int) -> None:
    import logging

    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel(logging.ERROR)
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
