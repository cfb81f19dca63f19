from __future__ import annotations

from harness.operators import Answer, OperatorRecord
from harness.records import Target
from harness.report.operator_table import SEVERAL, OperatorTable, build_table


def record(case: str, operator: str, strict: Answer, lenient: Answer | None = None, **more: object) -> OperatorRecord:
    target = Target(opencv=str(more.pop("opencv", "5.0.0.93")), engine_used="new")
    given = {"opset": 13, "expanded": False} | more
    return OperatorRecord(
        case=case, target=target, operator=operator, strict=strict, lenient=lenient or strict, **given
    )


def table(*records: OperatorRecord) -> OperatorTable:
    return build_table(records, corpus="onnx 1", command="c", started="s", planned=len(records))


def test_an_operator_has_a_row_per_opset_and_a_column_per_release():
    made = table(
        record("a", "Abs", Answer.OK),
        record("b", "Abs", Answer.WRONG_SHAPE, Answer.OK),
        record("c", "Abs", Answer.CRASH, opset=6),
        record("a", "Abs", Answer.IMPORT_ERROR, opencv="4.14.0.94"),
    )
    assert [column.name for column in made.columns] == ["4.14.0.94", "5.0.0.93"]
    crashing, mixed = made.rows
    assert (crashing.opset, crashing.tallies[0], crashing.tallies[1].answers) == (6, None, {Answer.CRASH: 1})
    tally = mixed.tallies[1]
    assert (tally.strict, tally.lenient, tally.of, tally.answers) == (1, 2, 2, {})
    assert [one.case for one in mixed.failing] == ["a", "b"]
    assert [total.of for total in made.totals] == [1, 3]


def test_the_worst_rows_come_first_and_among_equals_the_most_harmful():
    made = table(
        record("a", "Fine", Answer.OK),
        record("b", "Refused", Answer.UNSUPPORTED_OP),
        record("c", "Deadly", Answer.CRASH),
        record("d", "Silent", Answer.MISMATCH),
        record("e", "Half", Answer.OK),
        record("f", "Half", Answer.RUNTIME_ERROR),
        record("g", "Unknown", Answer.NOT_EXPRESSIBLE),
    )
    assert [row.operator for row in made.rows] == ["Silent", "Deadly", "Refused", "Half", "Fine", "Unknown"]


def test_what_cannot_be_expressed_is_counted_apart():
    both = table(record("a", "Cast", Answer.OK), record("b", "Cast", Answer.NOT_EXPRESSIBLE)).rows[0].tallies[0]
    assert (both.of, both.expressible, both.worst) == (2, 1, Answer.OK)
    alone = table(record("b", "Cast", Answer.NOT_EXPRESSIBLE)).rows[0].tallies[0]
    assert (alone.expressible, alone.worst) == (0, Answer.NOT_EXPRESSIBLE)


def test_written_out_operators_and_graphs_of_several_have_rows_of_their_own():
    made = table(
        record("a", "Celu", Answer.OK),
        record("b", "Celu", Answer.OK, expanded=True),
        record("c", "", Answer.OK, opset=9),
        record("d", "", Answer.OK, opset=10),
    )
    assert {row.name for row in made.rows} == {"Celu", "Celu, written out", SEVERAL}
    assert len(made.rows) == 3
