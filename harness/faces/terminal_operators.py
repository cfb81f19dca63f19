"""What a person sees of the ONNX backend tests in a terminal. Decides nothing."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from harness.faces.terminal import out_console, shown
from harness.operators import Answer
from harness.report import operator_pages
from harness.report.operator_table import OperatorTable, Tally

_SILENT_OR_DEADLY = frozenset({Answer.MISMATCH, Answer.WRONG_SHAPE, Answer.CRASH, Answer.TIMEOUT})


def show(table: OperatorTable, rows: int) -> None:
    """Print the table of backend tests, its worst `rows`, and the totals."""
    made = Table("operator", "opset", *(column.name for column in table.columns), box=None, pad_edge=False)
    for row in table.rows[:rows]:
        made.add_row(shown(row.name), shown(str(row.opset or "")), *map(_tally, row.tallies))
    made.add_row(shown("all"), shown(""), *map(_tally, table.totals))
    out_console().print(made)
    if len(table.rows) > rows:
        out_console().print(shown(f"the worst {rows} of {len(table.rows)} rows; --format markdown has all"))
    out_console().print(shown("right strictly / right leniently / cases whose data can be handed to OpenCV"))
    out_console().print(shown(f"{table.reported} of {table.planned} planned cases reported ({table.corpus})"))


def _tally(tally: Tally | None) -> Text:
    if tally is None:
        return shown("-", "dim")
    told = operator_pages.others(tally)
    style = "green" if tally.worst is Answer.OK else "red" if tally.worst in _SILENT_OR_DEADLY else "yellow"
    return shown(f"{operator_pages.face(tally).symbol} {operator_pages.counted(tally)} {told}", style)
