"""Every operation of an exported graph alone: what OpenCV takes is tried on the worker, never read from a list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.cells.library import Artifact, Library
from harness.effects.observing import OpenCV
from harness.errors import HarnessError
from harness.manifests import OpEntry
from harness.pure.diagnose import diagnose
from harness.pure.inputs import PROBES, expand
from harness.records import OpVerdict, Outcome, Record

_TABLED = frozenset({"onnx", "pb"})
"""Formats whose operations can be told apart and handed over one by one."""
_TOLD_BY_OPS = frozenset(
    {
        Outcome.UNSUPPORTED_OP,
        Outcome.IMPORT_ERROR,
        Outcome.RUNTIME_ERROR,
        Outcome.CRASH,
        Outcome.TIMEOUT,
        Outcome.OUT_OF_MEMORY,
    }
)


def is_told_by_ops(record: Record) -> bool:
    """Whether the operations of a cell's graph may tell why it does not load or run."""
    return record.outcome in _TOLD_BY_OPS


def op_verdicts(library: Library, worker: OpenCV, artifact: Artifact) -> tuple[OpVerdict, ...] | None:
    """Return what becomes of each distinct operation of an artifact; None where its format has no table."""
    if artifact.manifest.format not in _TABLED:
        return None
    try:
        return tuple(_verdicts(library, worker, artifact))
    except HarnessError:  # a file that even ONNX cannot read
        return None


def _verdicts(library: Library, worker: OpenCV, artifact: Artifact) -> Iterator[OpVerdict]:
    for entry, file in library.single_ops(artifact):
        outcome, message = (None, "it cannot stand alone") if file is None else _tried(worker, entry, file)
        yield OpVerdict(
            op=entry.op,
            attributes=entry.attributes,
            inputs=entry.inputs,
            count=entry.count,
            layers=entry.layers,
            outcome=outcome,
            message=message,
        )


def _tried(worker: OpenCV, entry: OpEntry, file: Path) -> tuple[Outcome, str | None]:
    """Load and run one operation, one that fails again in a fresh worker; numbers are not compared."""
    if entry.manifest is None:
        raise HarnessError(f"operation {entry.op} has a file but no manifest")
    feed = expand(PROBES[0], [port.tensor for port in entry.manifest.inputs])
    failure = diagnose(worker.observe(entry.manifest, file, [feed]).observation)
    if failure is not None:
        worker.renew()
        failure = diagnose(worker.observe(entry.manifest, file, [feed]).observation)
    return (Outcome.OK, None) if failure is None else (failure.outcome, " ".join(failure.message.split()))
