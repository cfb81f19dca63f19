"""Expectations rewritten from records."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_expectations import CLAIM, CRASH, FAILING, TFLITE, record

from harness.errors import UsageError
from harness.evidence import Parity
from harness.pure.expectations import Expectations, parse, render
from harness.pure.updating import claim_from, update
from harness.records import CellId, Judgement, Outcome, Stage, Target


def test_a_new_failure_is_written_down_with_its_release_only():
    (claim,) = update((), [FAILING, record(case="layers/fine")])
    assert claim == replace(CLAIM, reason="no layer for op Erf")


def test_a_failure_as_claimed_keeps_the_words_and_the_set_of_who_wrote_it():
    written = replace(CLAIM, opencv=">=4.8", reason="by hand", issue="https://x/1", stage=None)
    assert update([written], [FAILING]) == (written,)


def test_a_claim_about_a_fixed_cell_goes():
    assert update([CLAIM], [record()]) == ()
    assert update([replace(CLAIM, opencv="== 5.0.0.93")], [record()]) == ()


def test_of_a_wider_claim_only_the_fixed_release_is_taken():
    wide = replace(CLAIM, opencv=">=4.8")
    (rest,) = update([wide], [record()])
    assert rest == replace(wide, opencv=">=4.8,!=5.0.0.93")
    assert not rest.covers(CellId.of(record()))
    assert rest.covers(CellId.of(record(opencv="4.14.0.94")))


def test_a_changed_failure_is_rewritten_and_keeps_its_issue():
    written = replace(CLAIM, issue="https://x/1", reason="by hand")
    (claim,) = update([written], [CRASH])
    assert (claim.outcome, claim.op, claim.issue) == (Outcome.CRASH, None, "https://x/1")
    assert claim.reason == "the process ended by SIGSEGV"


def test_a_failure_that_only_moved_keeps_the_reason():
    (claim,) = update([replace(CLAIM, reason="by hand")], [replace(FAILING, stage=Stage.FORWARD)])
    assert (claim.stage, claim.reason) == (Stage.FORWARD, "by hand")


def test_a_wide_claim_is_split_where_a_record_contradicts_it():
    wide = replace(CLAIM, opencv=">=4.8", issue="https://x/1")
    claims = update([wide], [CRASH, replace(FAILING, target=Target(opencv="4.14.0.94"))])
    book = Expectations(claims)
    assert book.judge(CRASH)[0] is Judgement.AS_EXPECTED
    assert book.judge(replace(FAILING, target=Target(opencv="4.14.0.94")))[0] is Judgement.AS_EXPECTED
    assert all(claim.issue == "https://x/1" for claim in claims)


def test_claims_about_cells_that_were_not_run_stay():
    others = [replace(CLAIM, case="layers/other"), replace(CLAIM, engine="NEW"), replace(CLAIM, route="pb")]
    assert set(update([CLAIM, *others], [record()])) == set(others)


def test_numbers_of_one_machine_do_not_become_reasons():
    parity = Parity(max_abs=0.1, allowed=1e-6, margin=1e5, inputs=3, why="", worst_input="ramp", output="head")
    seen = record(Outcome.MISMATCH, stage=Stage.COMPARE, layer="dense", parity=parity, message="off by 0.1")
    assert claim_from(seen, None).reason == "layer dense: output head differs from TensorFlow's beyond rounding"


RECORDS = st.lists(
    st.builds(
        record,
        st.sampled_from([Outcome.OK, Outcome.CRASH, Outcome.MISMATCH, Outcome.UNSUPPORTED_OP]),
        case=st.sampled_from(["a", "b/c"]),
        opencv=st.sampled_from(["4.14.0.94", "5.0.0.93", "5.0.0-dev", "4.12-3-gabc"]),
        engine=st.sampled_from(["default", "NEW"]),
        stage=st.sampled_from([None, Stage.LOAD]),
        op=st.sampled_from([None, "Erf"]),
        message=st.none() | st.text(max_size=5),
    ),
    unique_by=CellId.of,
    max_size=8,
)


@settings(deadline=None)
@given(RECORDS, RECORDS)
def test_after_an_update_everything_is_as_expected_and_another_changes_nothing(first, second):
    claims = update((), first)
    updated = update(claims, second)
    assert all(Expectations(updated).judge(seen)[0] is Judgement.AS_EXPECTED for seen in second)
    assert update(updated, second) == updated
    assert parse(render(updated, ""), "f") == updated
    run = {CellId.of(seen) for seen in second}
    # A claim over two neighbours in one run speaks of what lies between them too, where another run was of that.
    untouched = [seen for seen in first if CellId.of(seen) not in run and "dev" not in seen.target.opencv]
    assert all(Expectations(updated).judge(seen)[0] is Judgement.AS_EXPECTED for seen in untouched)


# -- releases in a row -------------------------------------------------------------------------------------------------

RELEASES = ("4.8.1.78", "4.9.0.80", "4.10.0.84", "4.11.0.86", "5.0.0.93")


def over(*outcomes, **more):
    """Return the cell's records over the releases: None where it was not run."""
    return [
        replace(FAILING if outcome is True else record(), target=Target(opencv=opencv), **more)
        for opencv, outcome in zip(RELEASES, outcomes, strict=True)
        if outcome is not None
    ]


@pytest.mark.parametrize(
    ("outcomes", "sets"),
    [
        ((True, True, True, True, True), [">=4.8.1.78,<=5.0.0.93"]),
        ((True, True, False, True, True), [">=4.8.1.78,<=4.9.0.80", ">=4.11.0.86,<=5.0.0.93"]),
        ((False, True, False, False, True), ["==4.9.0.80", "==5.0.0.93"]),
        ((True, None, True, None, None), [">=4.8.1.78,<=4.10.0.84"]),
    ],
)
def test_neighbours_that_fail_alike_are_one_claim(outcomes, sets):
    assert [claim.opencv for claim in update((), over(*outcomes))] == sets


def test_what_fails_otherwise_in_between_parts_two_claims():
    records = over(True, True, True, False, False)
    records[1] = replace(records[1], op="Tanh")
    found = [(claim.opencv, claim.op) for claim in update((), records)]
    assert found == [("==4.8.1.78", "Erf"), ("==4.9.0.80", "Tanh"), ("==4.10.0.84", "Erf")]


def test_a_claim_grows_by_the_release_that_follows_it_and_keeps_its_words():
    written = replace(CLAIM, opencv=">=4.8.1.78,<=4.9.0.80", reason="by hand")
    (claim,) = update([written], over(None, True, True, False, None))
    assert (claim.opencv, claim.reason) == (">=4.8.1.78,<=4.10.0.84", "by hand")


def test_a_claim_does_not_grow_over_releases_that_were_not_run():
    written = replace(CLAIM, opencv="==4.8.1.78", reason="by hand")
    found = [(claim.opencv, claim.reason) for claim in update([written], over(None, None, True, None, None))]
    assert found == [("==4.8.1.78", "by hand"), ("==4.10.0.84", "no layer for op Erf")]


def test_two_hands_words_are_not_made_one():
    written = [replace(CLAIM, opencv="==4.8.1.78", reason="one"), replace(CLAIM, opencv="==4.9.0.80", reason="two")]
    assert update(written, over(True, True, False, False, False)) == tuple(written)


def test_of_several_releases_the_newest_ones_words_are_taken():
    old, new = over(True, True, None, None, None)
    (claim,) = update((), [replace(old, message="old words"), replace(new, message="new words")])
    assert claim.reason == "new words"


def test_words_of_opencv_are_kept_without_release_path_and_line():
    message = "OpenCV(4.8.1) /io/opencv/modules/dnn/src/layers/x.cpp:240: error: (-215:Assertion failed) a == b in f"
    assert claim_from(replace(FAILING, message=message), None).reason == "x.cpp: a == b in f"
    namespaced = "where 'x' is 0 in void cv::dnn::dnn5_v20260605::removePhaseSwitches()"
    assert claim_from(replace(FAILING, message=namespaced), None).reason.endswith("cv::dnn::removePhaseSwitches()")


def test_what_fails_otherwise_than_a_pattern_says_gets_a_claim_of_its_own():
    seen = replace(CRASH, route="tflite", target=Target(opencv="4.6.0.66"))
    pattern, claim = sorted(update([TFLITE], [seen]), key=lambda one: one.case)
    assert (pattern, claim.case, claim.outcome) == (TFLITE, "layers/gelu", Outcome.CRASH)
    agreeing = replace(FAILING, route="tflite", target=Target(opencv="4.6.0.66"))
    assert update([TFLITE], [agreeing]) == (TFLITE,)


def test_a_claim_without_a_layer_is_told_which():
    (claim,) = update([replace(CLAIM, reason="by hand")], [replace(FAILING, layer="gelu")])
    assert (claim.layer, claim.reason) == ("gelu", "by hand")


def test_a_pattern_that_is_contradicted_is_for_people_to_narrow():
    seen = replace(record(), route="tflite", target=Target(opencv="4.6.0.66"))
    with pytest.raises(UsageError, match=r"x.toml:1: 'layers/\*' .* is ok now; .* narrow it by hand"):
        update([TFLITE], [seen])
