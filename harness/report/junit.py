"""What a record says in a JUnit file: the properties of the test that judged it. pytest writes the file."""

from __future__ import annotations

from harness.records import Record
from harness.report.plaintext import one_line

NAMES = ("case", "route", "opencv", "engine", "outcome", "op", "margin", "latency_ms")
"""In their order; those of a test with several records follow each other, record by record."""


def properties_of(record: Record) -> list[tuple[str, str]]:
    """Return what is known, by name; `latency_ms` is the median forward pass."""
    margin = record.parity.margin if record.parity else None
    latency = record.latency.forward_ms.median if record.latency else None
    target = record.target
    values = (
        record.case,
        record.route,
        target.opencv,
        target.engine_asked,
        record.outcome.value,
        record.op,
        None if margin is None else f"{margin:.3g}",
        None if latency is None else f"{latency:.4g}",
    )
    return [(name, one_line(value, 300)) for name, value in zip(NAMES, values, strict=True) if value]
