"""The words of this project as values: outcomes, manifests, observations and records, and their one JSON codec.

Pure data. May not do I/O, look at a clock, or import pytest, TensorFlow or cv2.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import cattrs

from harness.evidence import Culprit, Node, Parity, Property
from harness.timings import Latency, LayerTime

SCHEMA = 1
CPU = "opencv/cpu"
"""Backend and target where none is asked for."""
TIMING = "latency"
"""The step of a record's seconds that `--latency` adds."""

_T = TypeVar("_T")


class Outcome(StrEnum):
    """The one-word opinion on a cell."""

    OK = "ok"
    UNSUPPORTED_OP = "unsupported-op"
    IMPORT_ERROR = "import-error"
    RUNTIME_ERROR = "runtime-error"
    WRONG_SHAPE = "wrong-shape"
    MISMATCH = "mismatch"
    CRASH = "crash"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"
    NONDETERMINISTIC = "nondeterministic"
    ROUTE_ABSENT = "route-absent"
    EXPORT_FAILED = "export-failed"
    VACUOUS = "vacuous"
    NO_REFERENCE = "no-reference"
    HARNESS_ERROR = "harness-error"


class Stage(StrEnum):
    """How far a cell got: the stage at which its outcome was decided."""

    EXPORT = "export"
    START = "start"
    LOAD = "load"
    FORWARD = "forward"
    REFERENCE = "reference"
    COMPARE = "compare"


class Judgement(StrEnum):
    """A verdict held against what was expected."""

    AS_EXPECTED = "as-expected"
    NEW_FAILURE = "new-failure"
    CHANGED_FAILURE = "changed-failure"
    FIXED = "fixed"


class Layout(StrEnum):
    """Order of a tensor's axes at OpenCV's side. The exporter states it; nobody guesses it."""

    AS_KERAS = "as-keras"
    """The axes are those of the Keras tensor."""
    NCHW = "NCHW"
    """Keras has NHWC (channels last, 4-D); OpenCV takes or gives NCHW."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One input or output of a model, in Keras's own terms. `None` in a shape is a dynamic axis."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    low: float | None = None
    """Smallest admissible value of an input, where the model restricts it (token ids: 0)."""
    high: float | None = None
    """Largest admissible value (inclusive)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One input or output of an artifact: how OpenCV names and lays out a Keras tensor."""

    name: str
    """Name in the exported graph, which `setInput` and `forward` are given."""
    tensor: TensorSpec
    """The Keras tensor with the static shape that was exported."""
    layout: Layout = Layout.AS_KERAS


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of a network where a last activation may hide what was computed before it."""

    output: int
    """Place of the output among the network's."""
    op: str
    """`Softmax`, `Sigmoid` or `Tanh`; `Concat` for what is joined of parts that may be of very unlike scale."""
    before: str
    """The tensor (`node:0`) that it is given; never one of the network's own inputs."""
    direct: bool = True
    """Whether the output has the op's own values, in its own order: nothing but a shape comes after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an artifact's bytes are: written beside them by the exporter."""

    route: str
    format: str
    """`pb`, `onnx` or `tflite`: picks OpenCV's importer."""
    file: str
    """File name of the model, relative to the artifact's folder."""
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    weights_digest: str
    """Digest of the model's weights: references are valid for exactly these."""
    ops: dict[str, int] = field(default_factory=dict)
    """Op type -> count in the exported graph."""
    node_layers: dict[str, str] = field(default_factory=dict)
    """Exported node name -> name of the Keras layer it came from."""
    heads: tuple[Head, ...] = ()
    """Last activations behind which something was computed; empty where they are not known."""
    opset: int | None = None
    free_batch: bool = False
    """Whether the first axis of every input and output takes any size; ports have the shapes of one item."""
    notes: tuple[str, ...] = ()
    """What the exporter did that a reader should know (static sizes chosen, settings of a converter)."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpEntry:
    """One distinct operation of an exported graph: the same op with the same attributes on the same shapes."""

    op: str
    attributes: str
    """As bounded text: `axis = 1, keepdims = 0`."""
    inputs: tuple[str, ...]
    """Dtype and shape of each, and that it is constant where it is."""
    count: int
    layers: tuple[str, ...]
    """Keras layers it comes from; empty where they are not known."""
    manifest: Manifest | None = None
    """The model of this operation alone; None where it cannot stand alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpEntries:
    """All of a graph's distinct operations, in the order of first use."""

    entries: tuple[OpEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLayer:
    """A layer as `model.summary()` has it."""

    name: str
    class_: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What a model is, before any route: shown by `zoo show` and `check`."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parameters: int
    layers: tuple[str, ...]
    """Distinct Keras layer classes, sorted; empty when the source has no Keras layers."""
    weights_digest: str
    structure_digest: str
    """Digest of the frozen graph without its names: with the weights' digest, it tells one model from another."""
    open_axes: tuple[tuple[int, ...], ...] = ()
    """Per input, the axes after the batch that its Input layer leaves open; empty without Keras inputs."""
    sequence: tuple[NamedLayer, ...] = ()
    """The layers of a functional or sequential model in their order, nested models as they are; empty for others."""
    kind: str
    """`functional`, `sequential`, `subclassed`, `savedmodel`, `graphdef`, `onnx`, `tflite`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """OpenCV release x engine x backend x interpreter, as asked for and as the worker found them."""

    opencv: str
    engine_asked: str = "default"
    engine_used: str = ""
    backend: str = CPU
    numpy: str = ""
    python: str = ""

    @property
    def place(self) -> str:
        """Return release, engine and backend, those that are the usual ones left out: `5.0.0.93/CLASSIC`."""
        engine = "" if self.engine_asked == "default" else f"/{self.engine_asked}"
        return f"{self.opencv}{engine}{'' if self.backend == CPU else f' on {self.backend}'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a build of OpenCV says that it has."""

    engines: tuple[str, ...] = ()
    """Names of `ENGINE_*`; empty where there is one engine only."""
    importers: tuple[str, ...] = ()
    """Formats that it reads: `pb`, `onnx`, `tflite`."""
    backends: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Backend -> targets that `getAvailableTargets` gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CvError:
    """An exception raised inside the worker, with the fields that `cv2.error` carries."""

    kind: str
    """Exception class: `cv2.error`, `MemoryError`, ..."""
    message: str
    code: int | None = None
    err: str | None = None
    func: str | None = None
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a worker saw, raw and whole. No opinion. Output arrays travel beside it, not in it."""

    stage: Stage
    """The stage that was under way when it ended: FORWARD with no error means that all went through."""
    error: CvError | None = None
    stderr: str = ""
    signal: str | None = None
    """Name of the signal that ended the worker (`SIGSEGV`), or None."""
    exit_status: int | None = None
    """Exit status of a worker that ended by itself, or None."""
    timed_out_after: float | None = None
    """Deadline in seconds that was overrun, or None."""
    importer_absent: str | None = None
    """Name of the importer that this release does not have, or None."""
    empty_net: bool = False
    """`Net.empty()` after a load that raised nothing: OpenCV 5's silent failure."""
    engine_used: str = ""
    output_names: tuple[str, ...] = ()
    output_shapes: tuple[tuple[int, ...], ...] = ()
    load_ms: float | None = None
    first_ms: float | None = None
    """The first forward after the load."""
    forward_ms: tuple[float, ...] = ()
    threads: int | None = None
    """OpenCV's thread count, as it said itself after the load."""
    peak_rss_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortLayouts:
    """Layouts by port, in order."""

    input: tuple[str, ...]
    output: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVerdict:
    """What one Keras layer of the model does alone, on what really reaches it in TensorFlow."""

    name: str
    class_: str
    outcome: Outcome
    op: str | None = None
    message: str | None = None
    stage: Stage | None = None
    """Where it fails; None where it is ok."""
    config: str = ""
    """Its configuration as bounded JSON, weights left out."""
    like: tuple[str, ...] = ()
    """Names of layers that compute alike, so that this one was run for them too."""
    max_abs: float | None = None
    """Largest difference of its worst output; None where nothing was compared or it is not finite."""
    allowed: float | None = None
    """The tolerance of that output, in its units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpVerdict:
    """What one distinct operation of the exported graph does alone in OpenCV: whether it loads and runs."""

    op: str
    attributes: str
    inputs: tuple[str, ...]
    count: int
    layers: tuple[str, ...]
    outcome: Outcome | None
    """None where it could not be tried: a shape is not known, or it has a graph within."""
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything known about one cell: one JSON line. Reports are derived from records alone."""

    case: str
    route: str
    target: Target
    outcome: Outcome
    stage: Stage | None = None
    op: str | None = None
    layer: str | None = None
    message: str | None = None
    signal: str | None = None
    parity: Parity | None = None
    layout: PortLayouts | None = None
    latency: Latency | None = None
    layers: tuple[LayerVerdict, ...] | None = None
    """Every distinct layer that was run alone, in the order of their work; None where none was."""
    graph: tuple[Node, ...] | None = None
    """The network by its layers and what they take from one another; None where it was not taken apart."""
    op_table: tuple[OpVerdict, ...] | None = None
    """Every distinct operation of the exported graph, loaded and run alone; None where none was."""
    advice: tuple[str, ...] = ()
    artifact: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    schema: int = SCHEMA
    judgement: Judgement | None = None
    expected: str | None = None
    """The expectation this was held against, as `outcome: reason`; None when `ok` was expected."""
    stderr: str = ""
    """The worker's stderr, bounded; the only place where some releases name the reason."""
    reproduce: str = ""
    """A command that runs this cell again."""
    family: str = ""
    ops: dict[str, int] = field(default_factory=dict)
    caveat: str | None = None
    """What an `ok` rests on that the model alone does not give (conditioned weights), or None."""
    opset: int | None = None
    """ONNX opset of the artifact that was judged; of several that were tried, the first that works."""
    properties: tuple[Property, ...] = ()
    """What was tried without a reference, or apart from the verdict: repetition, threads, NaN on its way through."""
    culprit: Culprit | None = None
    """The first layer whose output differs, or at which the network stops; None where there is nothing to find."""

    @property
    def untimed(self) -> bool:
        """Whether `--latency` has yet to turn to it: it works, and was not timed yet, be it in vain."""
        return self.outcome is Outcome.OK and TIMING not in self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class CellId:
    """What tells one cell from another: a record has the same five words."""

    case: str
    route: str
    opencv: str
    engine: str
    backend: str = CPU

    @classmethod
    def of(cls, record: Record) -> CellId:
        """Return the cell that a record is about."""
        target = record.target
        return cls(
            case=record.case,
            route=record.route,
            opencv=target.opencv,
            engine=target.engine_asked,
            backend=target.backend,
        )

    def __str__(self) -> str:
        """Return the cell as reports and messages name it."""
        device = "" if self.backend == CPU else f", {self.backend}"
        return f"{self.case} [{self.route}, OpenCV {self.opencv}/{self.engine}{device}]"


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (LayerVerdict, LayerTime, Culprit, NamedLayer, Node):
        rename = cattrs.gen.override(rename="class")
        to_dict = cattrs.gen.make_dict_unstructure_fn(kind, converter, class_=rename)
        from_dict = cattrs.gen.make_dict_structure_fn(kind, converter, class_=rename, _cattrs_forbid_extra_keys=True)
        converter.register_unstructure_hook(kind, to_dict)
        converter.register_structure_hook(kind, from_dict)
    converter.register_structure_hook(str, _text)
    return converter


def _text(value: object, kind: type[str]) -> str:
    """Take a text, or one of an enum's words, as it is; cattrs would make a text of anything, `None` among it."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return kind(value)


_CONVERTER = _converter()


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def to_json(value: object) -> str:
    """Encode any value of this module as one line of strict JSON (no NaN) that can be written as UTF-8."""
    line = json.dumps(_CONVERTER.unstructure(value), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    # A file name that is no UTF-8 comes with lone surrogates; they occur within texts only, where JSON has escapes.
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def to_data(value: object) -> Any:
    """Turn any value of this module into plain dicts, lists and scalars."""
    return _CONVERTER.unstructure(value)


def from_json(text: str | bytes, kind: type[_T]) -> _T:
    """Decode what `to_json` wrote. Raises ValueError (or a cattrs error, which is one) on anything else."""
    return from_data(json.loads(text, parse_float=_finite_number, parse_constant=_finite_number), kind)


def _finite_number(text: str) -> float:
    """Refuse `NaN` and `Infinity`, which Python reads though JSON has no such words, and 1e999, which is too large."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:80]} is no finite number")
    return value


def from_data(data: object, kind: type[_T]) -> _T:
    """Build a value of this module from plain data. Raises ValueError for unknown keys and values that do not fit."""
    if not isinstance(data, dict):
        raise ValueError(f"{str(data)[:80]!r} is no JSON object")  # noqa: TRY004 - bad data, not a bad call
    try:
        return _CONVERTER.structure(data, kind)
    except cattrs.BaseValidationError as error:
        raise ValueError("; ".join(cattrs.transform_error(error, format_exception=_reason))) from error


def _reason(error: BaseException, kind: type | None) -> str:
    """Say what is wrong with one value, the value included."""
    if isinstance(error, TypeError | ValueError) and kind is not None:
        return f"{error} (expected {getattr(kind, '__name__', kind)})"
    return cattrs.v.format_exception(error, kind)


def finite(value: float) -> float | None:
    """Return a float fit for JSON, None where it is not finite."""
    return value if math.isfinite(value) else None
