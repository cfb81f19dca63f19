"""Finding the one record that is meant: in a file of JSON lines, on standard input, or in a run."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from harness.effects.store import RunDirectory
from harness.encoding import from_json
from harness.errors import UsageError
from harness.records import CellId, Outcome, Record

_SHOWN = 12


def read_records(place: str) -> tuple[Record, ...]:
    """Return the records of a run's folder, of a file with one record a line, or of standard input (`-`).

    Raises UsageError for what holds none.
    """
    path = Path(place)
    if place != "-" and path.is_dir():
        return RunDirectory(path).records()
    try:
        text = sys.stdin.read() if place == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{place} cannot be read: {reason}; give a run's folder, a file of records, or -") from error
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                found.append(from_json(line, Record))
            except ValueError as error:
                raise UsageError(
                    f"{place}:{number} is no record: {error}; `dnn-harness check MODEL --json` prints records"
                ) from error
    if not found:
        raise UsageError(f"{place} holds no records; `dnn-harness check MODEL --json` prints them")
    return tuple(found)


def pick(records: Sequence[Record], case: str | None, route: str | None, opencv: str | None) -> Record:
    """Return the one failing record that fits; `case` may be a glob. Raises UsageError naming those to choose from."""
    fitting = [
        record
        for record in records
        if (case is None or record.case == case or fnmatchcase(record.case, case))
        and (route is None or record.route == route)
        and (opencv is None or record.target.opencv == opencv)
    ]
    failing = [record for record in fitting if record.outcome is not Outcome.OK]
    if len(failing) == 1:
        return failing[0]
    if len(fitting) == 1:
        return fitting[0]
    if not failing:
        near = difflib.get_close_matches(case or "", {record.case for record in records}, n=3, cutoff=0.4)
        hint = f"; did you mean --case {', '.join(near)}?" if near else ""
        raise UsageError(f"no failing cell fits{hint}")
    shown = "".join(f"\n    {CellId.of(record)} {record.outcome}" for record in failing[:_SHOWN])
    more = f"\n    and {len(failing) - _SHOWN} more" if len(failing) > _SHOWN else ""
    raise UsageError(f"{len(failing)} failing cells fit; choose one with --case, --route and --opencv:{shown}{more}")
