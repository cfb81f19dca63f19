from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.effects.network_run import Observed
from harness.observations import Observation
from harness.operators import MESSAGE_CHARACTERS, STDERR_CHARACTERS, Answer, OperatorCase
from harness.pure.operator_judging import OperatorVerdict
from harness.records import Stage, Target
from harness.usecases.operator_running import _agreed, _record, _Tried

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


def tried(
    strict: Answer, lenient: Answer | None = None, *, numbers: float = 0, steady: bool = True, **seen: object
) -> _Tried:
    outputs = ((np.full(3, numbers),),) if strict in {Answer.OK, Answer.MISMATCH} else ()
    return _Tried(
        steady=steady,
        case=CASE,
        verdict=OperatorVerdict(strict=strict, lenient=lenient or strict, message="m"),
        observed=Observed(observation=Observation(stage=Stage.FORWARD, engine_used="new", **seen), outputs=outputs),
        seconds=0.01,
    )


@pytest.mark.parametrize(
    ("strict", "lenient", "settled"),
    [
        (Answer.OK, Answer.OK, True),
        (Answer.WRONG_SHAPE, Answer.OK, True),
        (Answer.WRONG_DTYPE, Answer.OK, True),
        (Answer.NOT_EXPRESSIBLE, None, True),
        (Answer.ROUTE_ABSENT, None, True),
        (Answer.MISMATCH, None, False),
        (Answer.WRONG_SHAPE, Answer.WRONG_SHAPE, False),
        (Answer.UNSUPPORTED_OP, None, False),
        (Answer.CRASH, None, False),
    ],
)
def test_what_has_wrong_values_or_none_is_run_again(strict, lenient, settled):
    assert tried(strict, lenient).settled is settled


def test_two_attempts_that_agree_are_one_answer():
    again = tried(Answer.CRASH)
    assert _agreed(tried(Answer.CRASH), again) is again


def test_two_attempts_that_differ_are_nondeterministic():
    assert _agreed(tried(Answer.MISMATCH), tried(Answer.OK)).verdict.strict is Answer.NONDETERMINISTIC


def test_numbers_that_are_as_wrong_but_others_are_nondeterministic():
    assert _agreed(tried(Answer.MISMATCH), tried(Answer.MISMATCH)).verdict.strict is Answer.MISMATCH
    other = _agreed(tried(Answer.MISMATCH), tried(Answer.MISMATCH, numbers=1e20))
    assert other.verdict.strict is Answer.NONDETERMINISTIC


def test_what_was_right_once_and_then_gave_other_numbers_is_nondeterministic():
    assert _agreed(tried(Answer.OK), tried(Answer.OK, steady=False)).verdict.strict is Answer.NONDETERMINISTIC


def test_a_worker_that_was_killed_from_outside_does_not_count():
    assert _agreed(tried(Answer.CRASH, signal="SIGKILL"), tried(Answer.OK)).verdict.strict is Answer.OK


def test_a_record_holds_the_engine_that_was_used_and_bounded_texts():
    wordy = tried(Answer.IMPORT_ERROR, stderr="e" * 100_000)
    wordy = replace(wordy, verdict=replace(wordy.verdict, message="m" * 100_000))
    record = _record(wordy, Target(opencv="5.0.0.93"), repeated=True)
    assert (record.target.engine_used, record.repeated, record.opset) == ("new", True, 13)
    assert (len(record.stderr), len(record.message)) == (STDERR_CHARACTERS, MESSAGE_CHARACTERS)
