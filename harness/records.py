"""The words that a verdict is told in: outcomes, stages, targets, cells, and the record, which is one line of JSON.

Pure data. May not do I/O, look at a clock, or import pytest, TensorFlow or cv2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from harness.evidence import Culprit, Node, Parity, Property
from harness.timings import Latency

SCHEMA = 1
CPU = "opencv/cpu"
"""Backend and target where none is asked for."""
TIMING = "latency"
"""The step of a record's seconds that `--latency` adds."""


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
