"""The sweep over ONNX opsets: which one an OpenCV release can read is found by trying, never assumed.

Pure: it is handed the trying.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.records import Outcome, Record

SWEPT = frozenset(
    {
        Outcome.UNSUPPORTED_OP,
        Outcome.IMPORT_ERROR,
        Outcome.RUNTIME_ERROR,
        Outcome.WRONG_SHAPE,
        Outcome.MISMATCH,
        Outcome.CRASH,
        Outcome.NONDETERMINISTIC,
        Outcome.EXPORT_FAILED,
    }
)
"""Outcomes that the form of the graph may have caused. The others are about the model, the machine or the release."""


def sweep(first: Record, opsets: Sequence[int], attempt: Callable[[int], Record]) -> Record:
    """Return the record of the first other opset that works, else the first record, naming those that fail as well."""
    if first.outcome not in SWEPT:
        return first
    failed = []
    for opset in opsets:
        record = attempt(opset)
        if record.outcome is Outcome.OK:
            return record
        failed.append(f"{opset} {record.outcome}")
    if not failed:
        return first
    tried = f"other opsets fail as well: {', '.join(failed)}"
    return replace(first, message=f"{first.message}\n{tried}" if first.message else tried)
