"""Files for people: reports of runs, regressions, expectations."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harness.detection import Detection
from harness.effects.store import RunDirectory
from harness.encoding import from_json, to_json
from harness.errors import HarnessError, UsageError
from harness.pure.expectations import Expectation
from harness.pure.inputs import InputPlan
from harness.pure.regressions import HEADER, added, parse
from harness.records import CellId, Outcome, Record
from harness.report.annotations import write_annotations
from harness.report.badge import write_badge
from harness.report.csv_table import write_csv
from harness.report.html import write_html
from harness.report.margins import write_margins
from harness.report.markdown import write_markdown
from harness.report.model import RunInfo
from harness.report.parquet import write_parquet
from harness.report.since import Baseline
from harness.report.text import write_text
from harness.routes import all_routes
from harness.usecases.session import shown_versions

FORMS: dict[str, Callable[[Sequence[Record], RunInfo], str | bytes]] = {
    "html": write_html,
    "text": write_text,
    "markdown": write_markdown,
    "annotations": write_annotations,
    "badge": write_badge,
    "csv": write_csv,
    "parquet": write_parquet,
    "json": lambda records, _: "".join(f"{to_json(record)}\n" for record in records),
    "margins": lambda records, _: write_margins(records),
}
"""Faces of the same records, each with its writer; bytes are no text."""


def keep(path: Path, case: str, plan: InputPlan) -> bool:
    """Add a line to a file of regressions, which is created where it is absent; returns whether it is new.

    Raises UsageError for a file that is malformed already.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else HEADER
    parse(text, str(path))
    wider = added(text, case, plan)
    if wider != text:
        write(path, wider)
    return wider != text


def write(path: Path, text: str) -> None:
    """Write a whole text file or none: a reader never meets half of it. Raises HarnessError."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file or none; what a link leads to, and straight into a pipe or device. Raises HarnessError."""
    place = path.resolve()
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        if place.exists() and not (place.is_file() or place.is_dir()):
            place.write_bytes(data)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data)
        draft.replace(place)
    except OSError as error:
        with contextlib.suppress(OSError):  # where it could not be written there may be nothing to remove
            draft.unlink()
        raise HarnessError(f"cannot write {path}: {error.strerror or error}; name another place") from error


# -- reports --------------------------------------------------------------------------------------------------------


def write_reports(directory: RunDirectory, records: Sequence[Record]) -> Path:
    """Write a run's page and its Markdown summary; returns the page."""
    info = describe([directory], records)
    page = directory.folder / "index.html"
    write(page, write_html(records, info))
    write(directory.folder / "summary.md", write_markdown(records, info))
    return page


def page_of(records: Sequence[Record], command: str, seconds: float) -> str:
    """Return the page of one model's check."""
    info = describe_answers(records, command, datetime.now(UTC))
    return write_html(records, replace(info, seconds=seconds, host=socket.gethostname(), versions=shown_versions()))


def face(records: Sequence[Record], info: RunInfo, form: str, baseline: Baseline | None = None) -> str | bytes:
    """Return one of `FORMS`; the page can tell what changed since a baseline.

    Raises UsageError where it needs a package that is not installed.
    """
    if baseline is not None:
        return write_html(records, info, baseline)
    try:
        return FORMS[form](records, info)
    except ModuleNotFoundError as error:
        raise UsageError(f"{form} needs {error.name}: pip install 'opencv-dnn-harness[{form}]'") from error


def runs_at(path: Path) -> tuple[RunDirectory, ...]:
    """Return the run in a folder, or all runs right below it: the shards of one. Raises UsageError."""
    shards = sorted(plan.parent for plan in path.glob("*/plan.json"))
    folders = shards if shards and not (path / "plan.json").exists() else [path]
    found = tuple(RunDirectory(folder) for folder in folders)
    for directory in found:
        directory.plan()
    return found


def merged(directories: Sequence[RunDirectory]) -> tuple[Record, ...]:
    """Return all records. Raises UsageError where two runs say different things of one cell.

    What is nondeterministic in one of them may be anything in the other, and stays that.
    """
    found: dict[CellId, Record] = {}
    for directory in directories:
        directory.plan()  # names a folder that is no run
        for record in directory.records():
            other = found.setdefault(CellId.of(record), record)
            if record.outcome is Outcome.NONDETERMINISTIC:
                found[CellId.of(record)] = record
            elif other.outcome is not Outcome.NONDETERMINISTIC and _answer(other) != _answer(record):
                raise UsageError(
                    f"{CellId.of(record)} is {other.outcome} in one run and {record.outcome} in {directory.folder}; "
                    "report them apart"
                )
    return tuple(found.values())


def _answer(record: Record) -> tuple[Outcome, str | None]:
    return record.outcome, record.op


def describe(directories: Sequence[RunDirectory], records: Sequence[Record]) -> RunInfo:
    """Return what a report says of the runs themselves."""
    plans = [directory.plan() for directory in directories]
    cells = dict.fromkeys(cell for plan in plans for cell in plan.cells)
    reported = {CellId.of(record) for record in records}
    missing = tuple(str(cell) for cell in cells if cell not in reported)
    return RunInfo(
        started=min(plan.started for plan in plans),
        seconds=sum(directory.seconds() for directory in directories),
        command=" && ".join(dict.fromkeys(plan.command for plan in plans)),
        host=", ".join(dict.fromkeys(plan.host for plan in plans)),
        planned=len(cells),
        missing=missing,
        versions=plans[0].versions,
        routes={route.name: route.summary for route in all_routes().values()},
        interrupted=not all(plan.is_done(records) for plan in plans),
        unavailable={name: why for plan in plans for name, why in plan.unavailable.items()},
        detection=_detection(directories),
    )


def describe_answers(records: Sequence[Record], command: str, started: datetime) -> RunInfo:
    """Return what a report says of records that are no run's: those of `check`. There are at least one."""
    cases = list(dict.fromkeys(record.case for record in records))
    return RunInfo(
        started=started.isoformat(timespec="seconds"),
        seconds=sum(sum(record.seconds.values()) for record in records),
        command=command,
        host="not recorded",
        planned=len({CellId.of(record) for record in records}),
        routes={route.name: route.summary for route in all_routes().values()},
        title=f"{cases[0] if len(cases) == 1 else 'Keras models'} in OpenCV",
    )


def _detection(directories: Sequence[RunDirectory]) -> Detection | None:
    """Return the figures of the self-test that lie beside the records. Raises UsageError where they cannot be read."""
    for directory in directories:
        path = directory.folder / "selftest.json"
        if path.exists():
            try:
                return from_json(path.read_text(encoding="utf-8"), Detection)
            except (OSError, ValueError) as error:
                raise UsageError(f"{path} cannot be read as a self-test's figures: {error}; run it again") from error
    return None


# -- expectation files ------------------------------------------------------------------------------------------------


def by_file(files: Sequence[Path], entries: Iterable[Expectation]) -> dict[Path, list[Expectation]]:
    """Return for each expectation file the claims it should hold.

    A claim stays where it was read; a new one goes to the file named like its case's first word (`layers.toml`), else
    to the first file.
    """
    found: dict[Path, list[Expectation]] = {path: [] for path in files}
    for entry in entries:
        owner = next((path for path in files if entry.where.startswith((f"{path}:", f"{path},"))), None)
        named = next((path for path in files if path.stem == entry.case.partition("/")[0]), files[0])
        found[owner or named].append(entry)
    return found


def header_of(path: Path) -> str:
    """Return a TOML file's leading comment lines, without their marks."""
    lines = path.read_text(encoding="utf-8").splitlines()
    leading = lines[: next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))]
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in leading)
