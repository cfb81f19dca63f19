"""The words of the ONNX backend tests, run as a second corpus: cases, answers, records. Pure data.

May not do I/O, look at a clock, or import onnx. The JSON codec is the one of `records`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from harness.records import CPU, Outcome, Stage, Target

SCHEMA = 1
STDERR_CHARACTERS = 2_000
MESSAGE_CHARACTERS = 2_000


class Answer(StrEnum):
    """The one-word opinion on a case: those of `Outcome` that can occur here, and one more."""

    OK = Outcome.OK.value
    UNSUPPORTED_OP = Outcome.UNSUPPORTED_OP.value
    IMPORT_ERROR = Outcome.IMPORT_ERROR.value
    RUNTIME_ERROR = Outcome.RUNTIME_ERROR.value
    WRONG_SHAPE = Outcome.WRONG_SHAPE.value
    MISMATCH = Outcome.MISMATCH.value
    WRONG_DTYPE = "wrong-dtype"
    """Right shape and values in another dtype than ONNX prescribes; a strict answer only."""
    CRASH = Outcome.CRASH.value
    TIMEOUT = Outcome.TIMEOUT.value
    OUT_OF_MEMORY = Outcome.OUT_OF_MEMORY.value
    NONDETERMINISTIC = Outcome.NONDETERMINISTIC.value
    ROUTE_ABSENT = Outcome.ROUTE_ABSENT.value
    HARNESS_ERROR = Outcome.HARNESS_ERROR.value
    NOT_EXPRESSIBLE = "not-expressible"
    """The model loads, but its data are no tensors that a Python program can hand to or get from OpenCV."""


WORST_FIRST = (
    Answer.HARNESS_ERROR,
    Answer.MISMATCH,
    Answer.WRONG_SHAPE,
    Answer.WRONG_DTYPE,
    Answer.NONDETERMINISTIC,
    Answer.CRASH,
    Answer.TIMEOUT,
    Answer.OUT_OF_MEMORY,
    Answer.RUNTIME_ERROR,
    Answer.IMPORT_ERROR,
    Answer.UNSUPPORTED_OP,
    Answer.NOT_EXPRESSIBLE,
    Answer.ROUTE_ABSENT,
    Answer.OK,
)
"""As in the report of runs: silent wrong numbers before loud crashes before polite refusals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCase:
    """One backend test: a model with its data sets, as they lie in a corpus folder."""

    id: str
    """Kind and name: `node/test_abs`, `pytorch-converted/test_Conv2d`, `light/light_resnet50`."""
    operator: str
    """The op it was written for, with its domain unless that is ONNX's own; empty where it has several ops."""
    ops: dict[str, int]
    """Op -> count in the graph itself; what is within a branch or a loop belongs to that."""
    opsets: dict[str, int]
    """Domain (`ai.onnx` for ONNX's own) -> version the model imports."""
    expanded: bool = False
    """Whether the op is written out as the function that defines it: the case tries other ops than its own."""
    inputs: tuple[str, ...]
    """Names of the graph's inputs that are fed, in order: those that have an initializer are not."""
    outputs: tuple[str, ...]
    input_dtypes: tuple[tuple[str, ...], ...]
    """Per data set, the dtype of each input as ONNX names it."""
    output_dtypes: tuple[tuple[str, ...], ...]
    not_expressible: str = ""
    """Why its data cannot be handed to OpenCV or be compared (a sequence, a text, bfloat16); empty where they can."""
    rtol: float = 1e-3
    atol: float = 1e-7
    """The tolerance of ONNX's own runner (onnx/backend/test/loader/__init__.py), unless the case states another."""

    @property
    def opset(self) -> int | None:
        """The version of the operator's own domain; None where it is not imported (then the model is malformed)."""
        domain = self.operator.rpartition(".")[0] or ONNX_DOMAIN
        return self.opsets.get(domain)


ONNX_DOMAIN = "ai.onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRecord:
    """Everything known about one case on one target: one JSON line."""

    case: str
    target: Target
    operator: str
    opset: int | None
    expanded: bool
    strict: Answer
    """Shape, dtype and values are what ONNX prescribes."""
    lenient: Answer
    """Axes of size 1 and the dtype do not count; the values do."""
    max_abs: float | None = None
    """Largest absolute difference over all outputs and data sets; None where it is not finite or nothing compared."""
    excess: float | None = None
    """Largest difference in units of what is allowed there; above 1 fails. None as above."""
    stage: Stage | None = None
    op: str | None = None
    """The op OpenCV names in its refusal."""
    message: str | None = None
    signal: str | None = None
    data_sets: int = 1
    opsets: dict[str, int] = field(default_factory=dict)
    repeated: bool = False
    """Whether it failed at first, so that it was run again in another worker."""
    seconds: float = 0.0
    stderr: str = ""
    schema: int = SCHEMA

    @property
    def cell(self) -> OperatorCell:
        """Return what tells this record from others."""
        return OperatorCell(
            case=self.case, opencv=self.target.opencv, engine=self.target.engine_asked, backend=self.target.backend
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCell:
    """A case on a target."""

    case: str
    opencv: str
    engine: str
    backend: str = CPU

    @classmethod
    def of(cls, case: OperatorCase, target: Target) -> OperatorCell:
        """Return the cell of a case on a target."""
        return cls(case=case.id, opencv=target.opencv, engine=target.engine_asked, backend=target.backend)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPlan:
    """What a run over the backend tests set out to do: written before its first case."""

    cells: tuple[OperatorCell, ...]
    fingerprint: str
    """Digest of all that the answers depend on; a run is resumed only where it is unchanged."""
    corpus: str
    """Where the cases come from: `onnx 1.23.2`."""
    started: str
    command: str
