"""The table of backend tests for people: one self-contained page, and a Markdown summary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.operators import Answer
from harness.records import Outcome
from harness.report import words
from harness.report.figures import NONE
from harness.report.fitting import LIMIT_BYTES, fit
from harness.report.html import environment, style_of
from harness.report.markdown import code, text
from harness.report.operator_table import OperatorTable, Tally
from harness.report.words import Tone, Word

_FAILING_ROWS = 4_000
"""Cases laid out on the page, worst rows first: beyond, browsers get slow; the records have all."""

ANSWERS: dict[Answer, Word] = {
    **{Answer(outcome.value): word for outcome, word in words.OUTCOMES.items() if outcome.value in set(Answer)},
    Answer.OK: Word(
        symbol=words.OUTCOMES[Outcome.OK].symbol,
        tone=Tone.GOOD,
        meaning="OpenCV loads the model and computes what ONNX prescribes, within the tolerance of ONNX's own runner.",
        action="Nothing to do.",
    ),
    Answer.MISMATCH: replace(
        words.OUTCOMES[Outcome.MISMATCH],
        meaning="OpenCV returns numbers that differ from what ONNX prescribes by more than is allowed, without a word.",
    ),
    Answer.WRONG_DTYPE: Word(
        symbol="≃",
        tone=Tone.UNPROVEN,
        meaning="Shape and values are right, the dtype is another than ONNX prescribes.",
        action="Convert the output, if its dtype matters to you.",
    ),
    Answer.NOT_EXPRESSIBLE: Word(
        symbol="∅",
        tone=Tone.ABSENT,
        meaning="The model loads, but a Python program cannot hand it its data: sequences, texts, bfloat16, int4.",
        action="Nothing is known of the values; these cases are counted apart.",
    ),
}
LENIENT = Word(
    symbol="≈",
    tone=Tone.UNPROVEN,
    meaning="All values are right, but not every shape and dtype is what ONNX prescribes.",
    action="Reshape or convert the outputs; OpenCV 4 has no tensors of fewer than two axes.",
)


def face(tally: Tally) -> Word:
    """Return symbol and tone of a cell."""
    if tally.worst is not Answer.OK:
        return ANSWERS[tally.worst]
    return ANSWERS[Answer.OK] if tally.strict == tally.expressible else LENIENT


def counted(tally: Tally) -> str:
    """Return the figures of a cell: right strictly / right leniently / cases that could be."""
    return f"{tally.strict}/{tally.lenient}/{tally.expressible}"


def others(tally: Tally) -> str:
    """Return what the cases that are not right came to, worst first."""
    return ", ".join(f"{count} {answer}" for answer, count in tally.answers.items())


def write_operator_page(table: OperatorTable) -> str:
    """Return the whole page: no network, no JavaScript. All text of models and OpenCV is escaped and bounded."""
    template = environment().get_template("operators.html.j2")
    return template.render(
        table=table,
        words=words,
        answers=ANSWERS,
        lenient=LENIENT,
        face=face,
        counted=counted,
        others=others,
        most=_FAILING_ROWS,
        style=style_of("page.css", "print.css"),
    )


def write_operator_markdown(table: OperatorTable, *, limit_bytes: int = LIMIT_BYTES) -> str:
    """Return the summary, worst first, cut between rows so that its UTF-8 form stays within `limit_bytes`."""
    return fit([("the table", _lines(table)), ("the command", [f"Made by {code(table.command)}"])], limit_bytes)


def _lines(table: OperatorTable) -> Iterator[str]:
    yield f"# ONNX operators in OpenCV ({text(table.corpus)})"
    yield ""
    if table.reported != table.planned:
        yield f"> **{table.planned:,} cases were planned, {table.reported:,} have a record.**"
        yield ""
    yield "Each cell: right strictly / right leniently / cases whose data can be handed to OpenCV."
    yield ""
    yield f"| operator | opset | {' | '.join(text(column.name) for column in table.columns)} |"
    yield f"|---|---:|{'---|' * len(table.columns)}"
    yield f"| **all** |  | {' | '.join(_cell(tally) for tally in table.totals)} |"
    for row in table.rows:
        cells = " | ".join(_cell(tally) for tally in row.tallies)
        yield f"| {text(row.name)} | {'' if row.opset is None else row.opset} | {cells} |"
    yield ""


def _cell(tally: Tally | None) -> str:
    if tally is None:
        return NONE
    told = others(tally)
    return f"{face(tally).symbol} {counted(tally)}{f' ({text(told)})' if told else ''}"
