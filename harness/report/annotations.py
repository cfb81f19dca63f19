"""GitHub's workflow commands: what needs attention, shown on the page of a pull request. At most ten, worst first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from harness.records import CellId, Judgement, Record
from harness.report.model import Cell, Report, RunInfo
from harness.report.plaintext import bounded, one_line, visible
from harness.report.tabulate import build_report

MOST = 10
"""More of a step are dropped without a word."""

_MODEL_FILE = re.compile(r".*\.(keras|h5|hdf5|pb|onnx|tflite)$", re.DOTALL)
_CALLABLE = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*):[\w.]+")


def write_annotations(records: Iterable[Record], info: RunInfo) -> str:
    """Return one line for each annotation; nothing where nothing needs attention.

    Printed on a step's standard output they become annotations. Where there are more, the last one counts them.
    """
    found = list(_annotations(build_report(records, info)))
    if len(found) > MOST:
        left = f"{len(found) - MOST + 1:,} more need attention; the summary and the report name them"
        found = [*found[: MOST - 1], command("notice", left, title="and more")]
    return "".join(f"{line}\n" for line in found)


def _annotations(report: Report) -> Iterator[str]:
    if not report.complete or report.info.interrupted:
        counted = f"{report.info.planned:,} cells were planned, {report.reported:,} have a record."
        names = "".join(f"\n{name}" for name in report.info.missing[:20])
        yield command("error", counted + visible(names), title="the run is not complete")
    for name, why in report.info.unavailable.items():
        yield command("error", bounded(why, 1_000), title=f"not run: OpenCV {one_line(name, 100)}")
    yield from map(_annotation, report.attention)


def _annotation(cell: Cell) -> str:
    record = cell.record
    fixed = record.judgement is Judgement.FIXED
    judged = f"{record.judgement}: " if record.judgement else ""
    told = [
        f"to blame: {cell.blame}" if cell.blame else "",
        bounded(record.message or "", 1_000),
        f"expected: {visible(record.expected)}" if record.expected else "",
        "delete its expectation" if fixed else "",
        visible(record.reproduce),
    ]
    return command(
        "warning" if fixed else "error",
        "\n".join(filter(None, told)) or cell.outcome,
        file=_file(record.case),
        title=f"{judged}{cell.outcome}: {one_line(str(CellId.of(record)), 200)}",
    )


def _file(case: str) -> str:
    """Return the file a case stands in, as far as its name says it: a model's, or that of the module it is built in."""
    built = _CALLABLE.fullmatch(case)
    if built:
        return f"{built[1].replace('.', '/')}.py"
    return visible(case) if _MODEL_FILE.fullmatch(case) else ""


def command(level: str, message: str, **properties: str) -> str:
    """Return one workflow command on one line, escaped as GitHub's runner reads it; empty properties are left out."""
    given = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items() if value)
    return f"::{level} {given}::{_escaped(message, '')}"


def _escaped(text: str, more: str) -> str:
    """Return text with `%` (first: it is what escapes), line ends, and some characters more in per cent and hex."""
    for character in ("%", "\r", "\n", *more):
        text = text.replace(character, f"%{ord(character):02X}")
    return text
