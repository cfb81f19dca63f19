from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.operators import Answer, OperatorCase
from harness.pure.diagnose import Failure
from harness.pure.operator_judging import inexpressible, judge, refused, unsteady
from harness.records import Outcome, Stage


def case(*dtypes: str, sets: int = 1) -> OperatorCase:
    return OperatorCase(
        id="node/test_some",
        operator="Some",
        ops={"Some": 1},
        opsets={"ai.onnx": 13},
        inputs=("x",),
        outputs=tuple(f"y{index}" for index in range(len(dtypes))),
        input_dtypes=(("float32",),) * sets,
        output_dtypes=(dtypes,) * sets,
    )


def opinions(got, expected, dtype=None):
    verdict = judge(case(dtype or expected.dtype.name), [[got]], [[expected]])
    return verdict.strict, verdict.lenient


ONES = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    ("got", "expected", "strict", "lenient"),
    [
        (ONES, ONES, Answer.OK, Answer.OK),
        (ONES * np.float32(1.0009), ONES, Answer.OK, Answer.OK),
        (ONES * np.float32(1.0011), ONES, Answer.MISMATCH, Answer.MISMATCH),
        (ONES.reshape(1, 2, 3), ONES, Answer.WRONG_SHAPE, Answer.OK),
        (ONES.reshape(3, 2), ONES, Answer.WRONG_SHAPE, Answer.WRONG_SHAPE),
        (ONES.reshape(2, 1, 3) * 2, ONES, Answer.WRONG_SHAPE, Answer.MISMATCH),
        (ONES, ONES.astype(np.int64), Answer.WRONG_DTYPE, Answer.OK),
        (ONES.astype(np.float64), ONES, Answer.WRONG_DTYPE, Answer.OK),
        (ONES.astype(np.float32), ONES.astype(bool), Answer.WRONG_DTYPE, Answer.OK),
        (ONES[0, :1].reshape(1, 1), np.float32(1).reshape(()), Answer.WRONG_SHAPE, Answer.OK),
        (np.empty(0, np.float32), np.empty((0, 3), np.float32), Answer.WRONG_SHAPE, Answer.OK),
        (np.empty(0, np.float32), ONES, Answer.WRONG_SHAPE, Answer.WRONG_SHAPE),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf]), Answer.OK, Answer.OK),
        (np.array([0.0, np.inf]), np.array([np.nan, np.inf]), Answer.MISMATCH, Answer.MISMATCH),
        (np.array([np.nan]), np.array([1.0]), Answer.MISMATCH, Answer.MISMATCH),
        (np.array([1e30]), np.array([np.inf]), Answer.MISMATCH, Answer.MISMATCH),
        (np.array([-np.inf]), np.array([np.inf]), Answer.MISMATCH, Answer.MISMATCH),
        (np.array([2**62], np.int64), np.array([2**62], np.int64), Answer.OK, Answer.OK),
        (np.array([1, 2]), np.array([1, 3]), Answer.MISMATCH, Answer.MISMATCH),
        (np.array([1 + 1j]), np.array([1 + 2j]), Answer.MISMATCH, Answer.MISMATCH),
    ],
)
def test_both_opinions(got, expected, strict, lenient):
    assert opinions(got, expected) == (strict, lenient)


def test_the_tolerance_is_that_of_onnxs_own_runner():
    expected = np.array([100.0, 0.0])
    np.testing.assert_allclose(got := np.array([100.099, 0.99e-7]), expected, rtol=1e-3, atol=1e-7)
    assert opinions(got, expected)[0] is Answer.OK
    wider = judge(replace(case("float64"), rtol=0.1), [[np.array([105.0])]], [[np.array([100.0])]])
    assert (wider.strict, wider.max_abs) == (Answer.OK, 5.0)


def test_bfloat16_has_two_ulp_and_is_a_dtype_nobody_returns():
    assert opinions(ONES * np.float32(1.01), ONES, "bfloat16") == (Answer.WRONG_DTYPE, Answer.OK)
    assert opinions(ONES * np.float32(1.02), ONES, "bfloat16") == (Answer.MISMATCH, Answer.MISMATCH)


def test_the_worst_output_of_the_worst_data_set_is_the_cases():
    asked = case("float32", "float32", sets=2)
    right, wrong = [ONES, ONES], [ONES, ONES * 3]
    verdict = judge(asked, [right, wrong], [right, right])
    assert (verdict.strict, verdict.lenient, verdict.max_abs, verdict.stage) == (
        Answer.MISMATCH,
        Answer.MISMATCH,
        2.0,
        Stage.COMPARE,
    )
    assert "'y1' is off by 2" in verdict.message


def test_a_difference_that_is_not_finite_is_none():
    verdict = judge(case("float64"), [[np.array([np.nan])]], [[np.array([1.0])]])
    assert (verdict.max_abs, verdict.excess) == (None, None)


def test_what_gave_no_outputs_has_one_answer():
    crash = Failure(outcome=Outcome.CRASH, stage=Stage.LOAD, message="the process ended", signal="SIGSEGV", op="Celu")
    verdict = refused(crash)
    assert (verdict.strict, verdict.lenient, verdict.signal, verdict.op) == (
        Answer.CRASH,
        Answer.CRASH,
        "SIGSEGV",
        "Celu",
    )


def test_what_cannot_be_expressed_says_why():
    verdict = inexpressible(replace(case("float32"), not_expressible="input 'x' is a sequence"))
    assert verdict.strict is verdict.lenient is Answer.NOT_EXPRESSIBLE
    assert verdict.message == "the model loads; it was not run: input 'x' is a sequence"


def test_two_opinions_that_differ_are_told_both():
    verdict = unsteady(judge(case("float32"), [[ONES]], [[ONES]]), judge(case("float32"), [[ONES * 2]], [[ONES]]))
    assert verdict.strict is verdict.lenient is Answer.NONDETERMINISTIC
    assert "first ok, in another worker mismatch / mismatch (output 'y0'" in verdict.message
