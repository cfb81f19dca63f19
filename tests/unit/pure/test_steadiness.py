from __future__ import annotations

import numpy as np
import pytest

from harness.properties import MEANINGS, Name
from harness.pure.diagnose import Failure
from harness.pure.inputs import SPECIAL
from harness.pure.steadiness import Finding, of_kind, repeated, special, unsteady
from harness.pure.tolerance import Reference
from harness.pure.verdict import Verdict
from harness.records import Outcome, Stage

ONE = [np.arange(6, dtype=np.float32).reshape(2, 3)]
ALLOWED = [1e-3]
CRASH = Failure(outcome=Outcome.CRASH, stage=Stage.FORWARD, message="the process ended by SIGSEGV", signal="SIGSEGV")
BITWISE = (Name.FIRST_AGAIN, Name.SAME_BITS_TWICE, Name.INPUT_ORDER, Name.RELOAD)


def off(by: float) -> list[np.ndarray]:
    return [ONE[0] + np.float32(by)]


def test_every_property_has_its_meaning_and_every_special_input_its_property():
    assert list(MEANINGS) == list(Name)
    assert [of_kind(plan.kind) for plan in SPECIAL] == [Name.DENORMAL, Name.INF, Name.NAN]


@pytest.mark.parametrize("name", [*BITWISE, Name.THREADS, Name.BATCH])
def test_equal_bits_hold_and_a_difference_beyond_the_tolerance_never_does(name):
    assert repeated(name, ONE, [ONE[0].copy()], ALLOWED) == Finding(name=name, held=True, message="bits equal")
    far = repeated(name, ONE, off(0.5), ALLOWED)
    assert (far.held, far.beyond) == (False, True)
    assert far.message == "bits differ, at output 0 by 0.5, 500 times the allowed 0.001"


@pytest.mark.parametrize("name", BITWISE)
def test_a_difference_within_the_tolerance_is_told_and_changes_nothing(name):
    near = repeated(name, ONE, off(5e-4), ALLOWED)
    assert (near.held, near.beyond) == (False, False)
    verdict = Verdict(outcome=Outcome.OK)
    assert unsteady(verdict, [near]) is verdict


@pytest.mark.parametrize("name", [Name.THREADS, Name.BATCH])
def test_another_order_of_additions_is_allowed_to_threads_and_batches(name):
    near = repeated(name, ONE, off(5e-4), ALLOWED)
    assert near.held
    assert "0.5 times the allowed" in near.message


@pytest.mark.parametrize(
    "again",
    [[np.full((2, 3), np.nan, np.float32)], [np.zeros((3, 2), np.float32)], [np.full((2, 3), np.inf, np.float32)]],
    ids=["NaN", "another shape", "infinite"],
)
def test_what_cannot_be_measured_is_beyond_every_tolerance(again):
    found = repeated(Name.RELOAD, ONE, again, ALLOWED)
    assert (found.held, found.beyond) == (False, True)


def test_nan_that_stays_nan_is_no_difference_and_integers_must_be_equal():
    holes = [np.array([1.0, np.nan, np.inf], np.float32)]
    assert repeated(Name.RELOAD, holes, [holes[0].copy()], ALLOWED).held
    moved = [holes[0] + np.float32(1e-4)]
    assert not repeated(Name.RELOAD, holes, moved, ALLOWED).beyond
    integers = [np.array([1, 2])], [np.array([1, 3])]
    assert repeated(Name.RELOAD, *integers, [0.0]).beyond


def test_without_a_reference_bits_are_all_there_is_to_say():
    found = repeated(Name.RELOAD, ONE, off(0.5), None)
    assert (found.held, found.beyond) == (False, False)


@pytest.mark.parametrize("name", [*BITWISE, Name.THREADS])
def test_what_does_not_agree_with_itself_is_nondeterministic_and_says_which_property(name):
    for broken in (repeated(name, ONE, off(0.5), ALLOWED), repeated(name, ONE, CRASH, ALLOWED)):
        verdict = unsteady(Verdict(outcome=Outcome.OK), [broken])
        assert (verdict.outcome, verdict.stage) == (Outcome.NONDETERMINISTIC, Stage.COMPARE)
        assert verdict.message.startswith(f"{name} does not hold")
        assert broken.message in verdict.message


def test_a_batch_is_the_verdict_s_own_business_and_our_errors_stay_ours():
    batch = repeated(Name.BATCH, ONE, off(0.5), ALLOWED)
    assert unsteady(Verdict(outcome=Outcome.MISMATCH), [batch]).outcome is Outcome.MISMATCH
    twice = repeated(Name.SAME_BITS_TWICE, ONE, off(0.5), ALLOWED)
    assert unsteady(Verdict(outcome=Outcome.HARNESS_ERROR), [twice]).outcome is Outcome.HARNESS_ERROR


@pytest.mark.parametrize("outcome", [Outcome.MISMATCH, Outcome.WRONG_SHAPE])
def test_what_is_wrong_stays_wrong_and_says_besides_that_it_varies(outcome):
    wrong = Verdict(outcome=outcome, stage=Stage.COMPARE, message="off by 3")
    again = repeated(Name.FIRST_AGAIN, ONE, off(0.5), ALLOWED)
    verdict = unsteady(wrong, [again])
    assert (verdict.outcome, verdict.stage) == (outcome, Stage.COMPARE)
    assert verdict.message.startswith("off by 3; besides, first-again does not hold")
    assert again.message in verdict.message


# -- NaN and its like --------------------------------------------------------------------------------------------------


def tensorflow(*values: float) -> list[Reference]:
    array = np.array(values, np.float32)
    return [Reference(name="y", float32=array, best=array, noise=0.0, why="once")]


NAN, INF = float("nan"), float("inf")


def judged(got: list[float], *expected: float, name: Name = Name.NAN) -> Finding:
    return special(name, [np.array(got, np.float32)], tensorflow(*expected), ALLOWED)


def test_what_comes_out_as_in_tensorflow_holds():
    found = judged([1.0005, NAN, INF, -INF], 1, NAN, INF, -INF)
    assert (found.held, found.message) == (True, "as in TensorFlow: 3 of 4 values are not finite")


@pytest.mark.parametrize(
    ("got", "expected", "said"),
    [
        ([1, 0, 0], [1, NAN, NAN], "TensorFlow gives NaN at 2 of 3 places, OpenCV numbers at 2 of them"),
        ([1, NAN, 3], [1, 2, 3], "TensorFlow gives numbers at 3 of 3 places, OpenCV NaN at 1 of them"),
        ([INF, 2], [-INF, 2], "TensorFlow gives -inf at 1 of 2 places, OpenCV +inf at 1 of them"),
        ([1.5, NAN], [1, NAN], "off by 0.5, allowed are 0.001"),
        ([1], [1, 2], "shape [1], but should be [2]"),
    ],
)
def test_what_does_not_is_said_in_numbers(got, expected, said):
    found = judged(got, *expected)
    assert (found.held, found.message) == (False, f"output 'y': {said}")
    assert unsteady(Verdict(outcome=Outcome.OK), [found]).outcome is Outcome.OK


def test_flushing_denormals_is_said_to_be_legitimate():
    assert "legitimate" in judged([1.5], 1, name=Name.DENORMAL).message


def test_a_crash_on_nan_is_a_property_not_held_and_no_verdict():
    found = special(Name.NAN, CRASH, tensorflow(1), ALLOWED)
    assert found.message == "crash: the worker ends by SIGSEGV, on an input with NaN"
    assert unsteady(Verdict(outcome=Outcome.OK), [found]).outcome is Outcome.OK


def test_integers_are_counted():
    reference = [Reference(name="y", float32=np.array([1, 2]), best=np.array([1, 2]), noise=0.0, why="once")]
    assert special(Name.NAN, [np.array([1, 2])], reference, [0.0]).held
    assert "1 of 2 integers differ" in special(Name.NAN, [np.array([1, 3])], reference, [0.0]).message
