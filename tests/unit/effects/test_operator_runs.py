from __future__ import annotations

from dataclasses import replace

import pytest

from harness.effects.operator_runs import OperatorRun
from harness.errors import HarnessError, UsageError
from harness.operators import Answer, OperatorCell, OperatorPlan, OperatorRecord
from harness.records import Target

CELLS = tuple(OperatorCell(case=f"node/test_{name}", opencv="5.0.0.93", engine="default") for name in "abc")
PLAN = OperatorPlan(cells=CELLS, fingerprint="f", corpus="onnx 1", started="now", command="dnn-harness operators")


def record(cell: OperatorCell, answer: Answer = Answer.OK) -> OperatorRecord:
    return OperatorRecord(
        case=cell.case,
        target=Target(opencv=cell.opencv),
        operator="Abs",
        opset=13,
        expanded=False,
        strict=answer,
        lenient=answer,
    )


def interrupted(folder, *cells: OperatorCell) -> OperatorRun:
    run = OperatorRun(folder)
    assert run.begin(PLAN) == ()
    shard = run.writer()
    for cell in cells:
        shard.append(record(cell))
    shard.close()
    return run


def test_an_interrupted_run_of_the_same_plan_is_resumed(tmp_path):
    interrupted(tmp_path, *CELLS[:2])
    later = replace(PLAN, started="later", command="other")
    assert [one.cell for one in OperatorRun(tmp_path).begin(later)] == list(CELLS[:2])


def test_a_line_cut_short_by_a_kill_counts_as_not_run(tmp_path):
    run = interrupted(tmp_path, *CELLS[:2])
    shard = tmp_path / "operators.jsonl"
    shard.write_bytes(shard.read_bytes()[:-9])
    assert [one.cell for one in run.begin(PLAN)] == [CELLS[0]]
    writer = run.writer()
    writer.append(record(CELLS[1], Answer.CRASH))
    writer.close()
    assert [one.strict for one in run.records()] == [Answer.OK, Answer.CRASH]


@pytest.mark.parametrize("other", [replace(PLAN, fingerprint="g"), replace(PLAN, cells=CELLS[:2])])
def test_another_plan_starts_afresh(tmp_path, other):
    run = interrupted(tmp_path, CELLS[0])
    assert run.begin(other) == ()
    assert run.records() == ()


def test_a_finished_run_is_repeated(tmp_path):
    assert interrupted(tmp_path, *CELLS).begin(PLAN) == ()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="choose another --out"):
        OperatorRun(tmp_path / "file" / "run").begin(PLAN)


def test_records_need_a_plan(tmp_path):
    with pytest.raises(UsageError, match="no plan"):
        OperatorRun(tmp_path).writer()
