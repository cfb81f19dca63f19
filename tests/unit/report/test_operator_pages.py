from __future__ import annotations

import pytest

from harness.operators import Answer, OperatorRecord
from harness.records import Stage, Target
from harness.report.operator_pages import (
    ANSWERS,
    LENIENT,
    counted,
    face,
    others,
    write_operator_markdown,
    write_operator_page,
)
from harness.report.operator_table import OperatorTable, Tally, build_table


def record(case: str, strict: Answer, lenient: Answer, message: str | None = None) -> OperatorRecord:
    return OperatorRecord(
        case=case,
        target=Target(opencv="5.0.0.93", engine_used="new"),
        operator="Abs",
        opset=13,
        expanded=False,
        strict=strict,
        lenient=lenient,
        message=message,
        stage=None if strict is Answer.OK else Stage.COMPARE,
    )


@pytest.fixture
def table() -> OperatorTable:
    records = [
        record("node/test_a", Answer.OK, Answer.OK),
        record("node/test_b", Answer.MISMATCH, Answer.MISMATCH, "<script>alert(1)</script> | `x`\x1b[31m"),
    ]
    return build_table(records, corpus="onnx 1.2", command="dnn-harness operators --only '<b>'", started="s", planned=3)


def test_every_answer_has_a_face():
    assert set(ANSWERS) == set(Answer)
    assert all(word.meaning for word in ANSWERS.values())
    assert len({word.symbol for word in (*ANSWERS.values(), LENIENT)}) == len(ANSWERS) + 1


@pytest.mark.parametrize(
    ("tally", "symbol", "figures", "told"),
    [
        (Tally(strict=2, lenient=2, of=2), "✓", "2/2/2", ""),
        (Tally(strict=1, lenient=2, of=2), LENIENT.symbol, "1/2/2", ""),
        (Tally(strict=1, lenient=1, of=2, answers={Answer.NOT_EXPRESSIBLE: 1}), "✓", "1/1/1", "1 not-expressible"),
        (Tally(strict=0, lenient=1, of=3, answers={Answer.CRASH: 2}), ANSWERS[Answer.CRASH].symbol, "0/1/3", "2 crash"),
    ],
)
def test_a_cell_has_symbol_figures_and_words(tally, symbol, figures, told):
    assert (face(tally).symbol, counted(tally), others(tally)) == (symbol, figures, told)


def test_the_page_stands_alone_and_shows_foreign_text_as_text(table):
    page = write_operator_page(table)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "prefers-color-scheme:dark" in page
    assert "2 of 3 planned cases have a record" in page
    assert "Incomplete" in page


def test_every_cell_of_the_page_leads_to_its_failing_cases(table):
    page = write_operator_page(table)
    assert 'href="#r1"' in page
    assert 'id="r1"' in page
    assert "dnn-harness operators --only 'node/test_b' --opencv 5.0.0.93" in page


def test_the_summary_is_a_table_and_bounded(table):
    summary = write_operator_markdown(table)
    assert "| Abs | 13 | ≠ 1/1/2 (1 mismatch) |" in summary.replace("\\", "")
    assert "**3 cases were planned, 2 have a record.**" in summary
    cut = write_operator_markdown(table, limit_bytes=640)
    assert len(cut.encode()) <= 640
    assert "rows of “the table”" in cut
