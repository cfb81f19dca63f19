from __future__ import annotations

from harness.faces import terminal_operators
from harness.operators import Answer, OperatorRecord
from harness.records import Target
from harness.report.operator_table import build_table

HOSTILE = "[bold]x[/] \x1b[31m :smile:"


def test_the_table_of_operators_shows_figures_and_what_is_left_out(capsys):
    records = [
        OperatorRecord(
            case=f"node/test_{name}",
            target=Target(opencv="5.0.0.93"),
            operator=name,
            opset=13,
            expanded=False,
            strict=answer,
            lenient=answer,
        )
        for name, answer in ((HOSTILE, Answer.CRASH), ("Abs", Answer.OK))
    ]
    table = build_table(records, corpus="onnx 1", command="c", started="s", planned=2)
    terminal_operators.show(table, rows=1)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "0/0/1 1 crash" in out
    assert "the worst 1 of 2 rows" in out
    assert "2 of 2 planned cases reported (onnx 1)" in out
