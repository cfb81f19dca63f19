from __future__ import annotations

from dataclasses import replace

from harness.encoding import from_json, to_json
from harness.operators import WORST_FIRST, Answer, OperatorCase, OperatorCell, OperatorRecord
from harness.records import Outcome, Target

CASE = OperatorCase(
    id="node/test_abs",
    operator="Abs",
    ops={"Abs": 1},
    opsets={"ai.onnx": 13},
    inputs=("x",),
    outputs=("y",),
    input_dtypes=(("float32",),),
    output_dtypes=(("float32",),),
)
TARGET = Target(opencv="5.0.0.93")


def test_every_outcome_that_can_occur_is_an_answer_and_all_answers_have_a_rank():
    elsewhere = {Outcome.EXPORT_FAILED, Outcome.VACUOUS, Outcome.NO_REFERENCE}
    ours = {Answer.WRONG_DTYPE, Answer.NOT_EXPRESSIBLE}
    assert set(Answer) - ours == {outcome.value for outcome in set(Outcome) - elsewhere}
    assert sorted(WORST_FIRST) == sorted(Answer)


def test_the_opset_is_that_of_the_operators_own_domain():
    assert CASE.opset == 13
    learnt = replace(CASE, operator="ai.onnx.ml.Scaler", opsets={"ai.onnx": 15, "ai.onnx.ml": 1})
    assert learnt.opset == 1
    assert replace(CASE, opsets={}).opset is None


def test_cases_and_records_survive_the_codec():
    record = OperatorRecord(
        case=CASE.id,
        target=TARGET,
        operator="Abs",
        opset=13,
        expanded=False,
        strict=Answer.WRONG_DTYPE,
        lenient=Answer.OK,
        max_abs=0.0,
        opsets=CASE.opsets,
    )
    assert from_json(to_json(record), OperatorRecord) == record
    assert from_json(to_json(CASE), OperatorCase) == CASE
    assert record.cell == OperatorCell.of(CASE, TARGET)
