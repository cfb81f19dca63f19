"""One flat row for each cell: the columns of every table that a program reads, and what they mean. No format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.records import Outcome
from harness.report.model import Cell
from harness.report.plaintext import visible

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Field:
    """One column."""

    name: str
    """With its unit, where it has one."""
    kind: type[str | int | float | bool]
    meaning: str
    of: Callable[[Cell], Any]
    """Reads it off a cell; None where it is not known."""


def _at(path: str) -> Callable[[Cell], Any]:
    """Return what follows attributes from a record on, as far as there are any."""
    names = path.split(".")

    def read(cell: Cell) -> Any:
        found: Any = cell.record
        for name in names:
            if found is None:
                return None
            found = getattr(found, name)
        return found

    return read


def _beside(runtime: str, path: str) -> Callable[[Cell], Any]:
    """Return what was measured of another runtime in turns with OpenCV."""

    def read(cell: Cell) -> Any:
        found: Any = next((one for one in _at("latency.beside")(cell) or () if one.runtime == runtime), None)
        for name in path.split(".") if found else ():
            found = getattr(found, name)
        return found

    return read


def _count(found: tuple[object, ...] | None) -> int | None:
    return None if found is None else len(found)


def _failing_layers(cell: Cell) -> int | None:
    layers = cell.record.layers
    return None if layers is None else sum(layer.outcome is not Outcome.OK for layer in layers)


def _seconds(cell: Cell) -> float | None:
    return round(sum(cell.record.seconds.values()), 4) or None


FIELDS: tuple[Field, ...] = (
    Field("case", str, "what was run: a case of the zoo, a file, `package.module:callable`", _at("case")),
    Field("family", str, "the case's family", _at("family")),
    Field("route", str, "how it was exported", _at("route")),
    Field("opencv", str, "release of OpenCV", _at("target.opencv")),
    Field("engine", str, "engine that was asked for", _at("target.engine_asked")),
    Field("engine_used", str, "engine that OpenCV used", _at("target.engine_used")),
    Field("backend", str, "backend and target", _at("target.backend")),
    Field("numpy", str, "release of NumPy beside OpenCV", _at("target.numpy")),
    Field("python", str, "release of Python beside OpenCV", _at("target.python")),
    Field("outcome", str, "what became of it, in one word", _at("outcome")),
    Field("judgement", str, "the outcome held against the known failures", _at("judgement")),
    Field("attention", bool, "whether it fails the run", lambda cell: cell.attention),
    Field("expected", str, "the known failure it was held against", _at("expected")),
    Field("stage", str, "where the outcome was decided", _at("stage")),
    Field("op", str, "operation to blame", _at("op")),
    Field("layer", str, "Keras layer to blame", _at("layer")),
    Field("message", str, "what OpenCV, a converter or the comparison said", _at("message")),
    Field("signal", str, "signal that ended the process", _at("signal")),
    Field("caveat", str, "what an `ok` rests on besides the model", _at("caveat")),
    Field("opset", int, "ONNX opset of the file that was judged", _at("opset")),
    Field("max_abs", float, "largest difference from TensorFlow, in the output's units", _at("parity.max_abs")),
    Field("allowed", float, "the derived tolerance, in the output's units", _at("parity.allowed")),
    Field("margin", float, "max_abs / allowed: 1 is the border; none where not finite", _at("parity.margin")),
    Field("inputs", int, "inputs that were compared", _at("parity.inputs")),
    Field("worst_input", str, "plan of the input with the largest margin", _at("parity.worst_input")),
    Field("culprit", str, "the first layer that differs, found by cutting the network", _at("culprit.layer")),
    Field("layers", int, "distinct layers that were run alone", lambda cell: _count(cell.record.layers)),
    Field("failing_layers", int, "those of them that fail", _failing_layers),
    Field("broken", str, "properties that do not hold, with commas", lambda cell: ", ".join(cell.broken) or None),
    Field("latency_ms", float, "median forward pass", _at("latency.forward_ms.median")),
    Field("latency_low_ms", float, "lower end of that median's 95 % interval", _at("latency.forward_ms.low")),
    Field("latency_high_ms", float, "upper end of that median's 95 % interval", _at("latency.forward_ms.high")),
    Field("latency_min_ms", float, "fastest forward pass", _at("latency.forward_ms.min")),
    Field("latency_p95_ms", float, "95th percentile of forward passes", _at("latency.forward_ms.p95")),
    Field("passes", int, "forward passes that were timed", _at("latency.forward_ms.n")),
    Field("first_ms", float, "first forward pass", _at("latency.first_ms")),
    Field("load_ms", float, "loading the file", _at("latency.load_ms")),
    Field("threads", int, "threads OpenCV computed with", _at("latency.threads")),
    Field("peak_rss_bytes", int, "highest resident memory of the process", _at("latency.peak_rss_bytes")),
    Field("flops", int, "operations of one pass, by OpenCV's count", _at("latency.flops")),
    Field("weights_bytes", int, "memory of weights, by OpenCV's count", _at("latency.weights_bytes")),
    Field("blobs_bytes", int, "memory of tensors, by OpenCV's count", _at("latency.blobs_bytes")),
    Field("tensorflow_ms", float, "median pass of TensorFlow in turns", _beside("tensorflow", "forward_ms.median")),
    Field("tensorflow_ratio", float, "OpenCV's time / TensorFlow's", _beside("tensorflow", "ratio")),
    Field("onnxruntime_ms", float, "median pass of ONNX Runtime in turns", _beside("onnxruntime", "forward_ms.median")),
    Field("onnxruntime_ratio", float, "OpenCV's time / ONNX Runtime's", _beside("onnxruntime", "ratio")),
    Field("artifact", str, "digest of the exported file", _at("artifact")),
    Field("seconds", float, "time the whole cell took", _seconds),
    Field("reproduce", str, "command that runs it again", _at("reproduce")),
)


def row(cell: Cell) -> tuple[Value, ...]:
    """Return a cell's values in the order of `FIELDS`; texts are visible, and none is empty."""
    return tuple(_plain(field, field.of(cell)) for field in FIELDS)


def _plain(field: Field, value: Any) -> Value:
    if value is None or value == "":
        return None
    return visible(str(value)) if field.kind is str else field.kind(value)
