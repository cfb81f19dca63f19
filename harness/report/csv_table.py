"""The records as comma-separated values: one line for each cell, fit for a spreadsheet that trusts its files."""

from __future__ import annotations

from collections.abc import Iterable

from harness.records import Record
from harness.report.model import RunInfo
from harness.report.rows import FIELDS, Value, row
from harness.report.tabulate import build_report

_FORMULA = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}")


def write_csv(records: Iterable[Record], info: RunInfo) -> str:
    """Return a line of column names and one for each cell: texts in quotes, numbers bare, unknown ones empty."""
    rows = [tuple(field.name for field in FIELDS), *map(row, build_report(records, info).cells)]
    return "".join(f"{','.join(map(_written, values))}\n" for values in rows)


def _written(value: Value) -> str:
    """Return a value that stays on its line and that no spreadsheet computes.

    A layer may be called `=HYPERLINK(...)`: what would begin a formula gets an apostrophe in front, as a spreadsheet
    itself marks text.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value).lower()
    flat = value.replace("\n", "\\n").replace("\t", "\\t").replace('"', '""')
    return f'"\'{flat}"' if flat.lstrip().startswith(_FORMULA) else f'"{flat}"'
