from __future__ import annotations

import numpy as np
import pytest

from harness.pure.compare import compare_output
from harness.pure.diagnose import Failure
from harness.pure.tolerance import Reference
from harness.pure.verdict import Verdict, from_differences, from_failure, nondeterministic
from harness.records import Outcome, Stage

VALUES = np.array([[0.5, -2.0, 3.0]])


def difference(got, best=VALUES, *, name="y", plan="ramp:seed=0:scale=1.0"):
    best = np.asarray(best)
    single = best.astype(np.float32) if best.dtype.kind == "f" else best
    return compare_output(np.asarray(got), Reference(name=name, float32=single, best=best, noise=0, why="twin"), plan)


def test_agreement_on_varying_outputs_is_ok():
    verdict = from_differences([difference(VALUES)], inputs=1, sensitivity=1e6)
    assert (verdict.outcome, verdict.stage, verdict.message) == (Outcome.OK, None, None)
    assert verdict.parity is not None
    assert verdict.parity.inputs == 1


def test_agreement_on_outputs_that_hardly_vary_is_vacuous_and_never_ok():
    verdict = from_differences([difference(VALUES)], inputs=1, sensitivity=999.0)
    assert (verdict.outcome, verdict.stage) == (Outcome.VACUOUS, Stage.COMPARE)
    assert "999 tolerances" in verdict.message
    assert "weights" in verdict.message


def test_half_precision_needs_less_and_says_what_goes_unseen():
    verdict = from_differences([difference(VALUES)], inputs=1, sensitivity=50.0, needed=4.0)
    assert verdict.outcome is Outcome.OK
    assert "50 tolerances" in verdict.caveat
    assert "below 2 % of that" in verdict.caveat
    assert from_differences([difference(VALUES)], inputs=1, sensitivity=3.9, needed=4.0).outcome is Outcome.VACUOUS
    assert from_differences([difference(VALUES)], inputs=1, sensitivity=1000.0).caveat is None


def test_a_difference_is_a_mismatch_with_number_allowance_and_input():
    found = [difference(VALUES), difference(VALUES + 0.25, plan="the-input")]
    verdict = from_differences(found, inputs=2, sensitivity=1e6)
    assert (verdict.outcome, verdict.stage) == (Outcome.MISMATCH, Stage.COMPARE)
    assert "'y' is off by 0.25" in verdict.message
    assert verdict.message.endswith("on input the-input")
    assert verdict.parity.margin > 1


def test_a_mismatch_counts_more_than_vacuity():
    assert from_differences([difference(VALUES + 1)], inputs=1, sensitivity=0).outcome is Outcome.MISMATCH


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_what_is_not_finite_is_said_so(odd):
    verdict = from_differences([difference(VALUES * odd)], inputs=1, sensitivity=1e6)
    assert verdict.outcome is Outcome.MISMATCH
    assert "not finite" in verdict.message


def test_a_wrong_shape_is_named_with_both_shapes():
    good, bad = difference(VALUES), difference(VALUES.T, name="head")
    verdict = from_differences([good, bad], inputs=1, sensitivity=1e6)
    assert (verdict.outcome, verdict.parity) == (Outcome.WRONG_SHAPE, None)
    assert verdict.message.startswith("output 'head' has shape [3, 1], but should be [1, 3]")


def test_a_layout_taken_for_another_is_reported_as_that():
    """What a transposition would mend is wrong all the same; the message says which one."""
    image = np.random.RandomState(3).standard_normal((1, 4, 5, 3))
    verdict = from_differences([difference(image.transpose(0, 3, 1, 2), image)], inputs=1, sensitivity=1e6)
    assert verdict.outcome is Outcome.WRONG_SHAPE
    assert verdict.message.endswith("; the output is NCHW, documented NHWC")
    square = np.random.RandomState(3).standard_normal((1, 4, 4, 4))
    verdict = from_differences([difference(square.transpose(0, 2, 1, 3), square)], inputs=1, sensitivity=1e6)
    assert verdict.outcome is Outcome.MISMATCH
    assert verdict.message.endswith("; the output is NWHC, documented NHWC")


def test_a_failure_becomes_a_verdict_with_its_layer():
    failure = Failure(
        outcome=Outcome.UNSUPPORTED_OP,
        stage=Stage.LOAD,
        message="no layer for op Erf",
        op="Erf",
        node="onnx_node!net/gelu/Erf",
        signal=None,
    )
    verdict = from_failure(failure, {"net/gelu/Erf": "gelu"})
    assert verdict == Verdict(
        outcome=Outcome.UNSUPPORTED_OP, stage=Stage.LOAD, op="Erf", layer="gelu", message="no layer for op Erf"
    )


def test_a_failure_at_an_unknown_node_blames_no_layer():
    failure = Failure(outcome=Outcome.CRASH, stage=Stage.LOAD, message="died", signal="SIGSEGV")
    verdict = from_failure(failure, {"net/conv": "conv"})
    assert (verdict.layer, verdict.signal) == (None, "SIGSEGV")


def test_two_crashes_are_the_same_whatever_their_last_words():
    first = Verdict(outcome=Outcome.CRASH, stage=Stage.LOAD, message="free(): invalid pointer")
    second = Verdict(outcome=Outcome.CRASH, stage=Stage.LOAD, message="corrupted size vs. prev_size")
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        Verdict(outcome=Outcome.OK),
        Verdict(outcome=Outcome.CRASH, stage=Stage.FORWARD, op="Conv"),
        Verdict(outcome=Outcome.IMPORT_ERROR, stage=Stage.LOAD, op="Conv"),
        Verdict(outcome=Outcome.CRASH, stage=Stage.LOAD, op="Gemm"),
    ],
)
def test_a_cell_that_gives_two_things_is_nondeterministic_and_tells_both(other):
    first = Verdict(outcome=Outcome.CRASH, stage=Stage.LOAD, op="Conv", layer="conv", message="died")
    assert first.fingerprint != other.fingerprint
    verdict = nondeterministic(first, other)
    assert (verdict.outcome, verdict.stage, verdict.layer) == (Outcome.NONDETERMINISTIC, Stage.LOAD, "conv")
    assert f"first crash (died), then in a fresh worker {other.outcome}" in verdict.message
