from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ExitCode, UsageError
from harness.evidence import Parity
from harness.expectations import Expectation, Expectations, claim_from, exactly, holds, parse, render, update
from harness.records import CellId, Judgement, Outcome, Record, Stage, Target

CLAIM = Expectation(
    case="layers/gelu",
    route="onnx",
    opencv="==5.0.0.93",
    outcome=Outcome.UNSUPPORTED_OP,
    stage=Stage.LOAD,
    op="Erf",
    reason="no Erf",
)


def record(outcome=Outcome.OK, *, case="layers/gelu", opencv="5.0.0.93", engine="default", **more) -> Record:
    return Record(case=case, route="onnx", target=Target(opencv=opencv, engine_asked=engine), outcome=outcome, **more)


FAILING = record(Outcome.UNSUPPORTED_OP, stage=Stage.LOAD, op="Erf", message="no layer for op Erf")
CRASH = record(Outcome.CRASH, stage=Stage.LOAD, message="the process ended by SIGSEGV", signal="SIGSEGV")

# -- judgements -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "seen", "judgement"),
    [
        ((), record(), Judgement.AS_EXPECTED),
        ((), FAILING, Judgement.NEW_FAILURE),
        ((CLAIM,), FAILING, Judgement.AS_EXPECTED),
        ((CLAIM,), CRASH, Judgement.CHANGED_FAILURE),
        ((CLAIM,), replace(FAILING, op="Tanh"), Judgement.CHANGED_FAILURE),
        ((CLAIM,), replace(FAILING, stage=Stage.FORWARD), Judgement.CHANGED_FAILURE),
        ((CLAIM,), record(), Judgement.FIXED),
        ((replace(CLAIM, op=None, stage=None),), replace(FAILING, op="Tanh"), Judgement.AS_EXPECTED),
        ((CLAIM,), replace(FAILING, target=Target(opencv="4.14.0.94")), Judgement.NEW_FAILURE),
        ((CLAIM,), replace(FAILING, target=Target(opencv="5.0.0.93", engine_asked="NEW")), Judgement.NEW_FAILURE),
        ((CLAIM,), replace(FAILING, route="pb"), Judgement.NEW_FAILURE),
        ((CLAIM,), replace(FAILING, case="layers/gelu2"), Judgement.NEW_FAILURE),
    ],
)
def test_a_record_is_held_against_its_claim(claims, seen, judgement):
    assert Expectations(claims).judge(seen)[0] is judgement


def test_outcomes_declared_as_intermittent_are_as_expected_and_survive_updates():
    claim = replace(CLAIM, intermittent=(Outcome.NONDETERMINISTIC, Outcome.OK))
    for seen in (FAILING, record(), record(Outcome.NONDETERMINISTIC, stage=Stage.FORWARD)):
        assert Expectations((claim,)).judge(seen)[0] is Judgement.AS_EXPECTED
        assert update((claim,), (seen,)) == (claim,)
    assert Expectations((claim,)).judge(CRASH)[0] is Judgement.CHANGED_FAILURE
    assert parse(render((claim,), ""), "x.toml") == (claim,)


def test_a_judgement_tells_the_claim_in_words():
    assert Expectations((CLAIM,)).judge(FAILING)[1] == "unsupported-op at load (Erf): no Erf"
    assert Expectations().judge(FAILING)[1] is None


def test_a_claim_about_what_is_no_more_is_stale():
    gone = replace(CLAIM, case="layers/removed")
    old_route = replace(CLAIM, route="caffe")
    book = Expectations((CLAIM, gone, old_route))
    assert book.stale(["layers/gelu"], ["onnx", "pb"]) == (gone, old_route)


def test_two_claims_about_one_cell_are_refused():
    book = Expectations((CLAIM, replace(CLAIM, opencv=">=5", outcome=Outcome.CRASH)))
    with pytest.raises(UsageError, match=r"2 expectations speak of layers/gelu \[onnx, OpenCV 5.0.0.93/default\]"):
        book.judge(FAILING)
    assert book.judge(replace(FAILING, target=Target(opencv="5.1.0")))[0] is Judgement.CHANGED_FAILURE


@pytest.mark.parametrize(
    ("versions", "release", "held"),
    [
        ("==5.0.0.93", "5.0.0.93", True),
        ("==5.0.0.93", "5.0.0", False),
        ("==5.0.*", "5.0.0.93", True),
        (">=4.8,<5", "4.14.0.94", True),
        (">=4.8,<5", "5.0.0.93", False),
        (">=4.8,<5,!=4.14.0.94", "4.14.0.94", False),
        ("~=4.14.0", "4.14.0.94", True),
        (">=5", "5.0.0-dev", False),
        (">=5.0.0.dev0", "5.0.0-dev", True),
        (">=4", "5.0.0rc1", True),
        (">=4", "4.12.0-alpha2-123-gabc", False),
        ("===4.12.0-alpha2-123-gabc", "4.12.0-alpha2-123-gabc", True),
    ],
)
def test_sets_of_releases_follow_pep_440(versions, release, held):
    assert holds(versions, release) is held


@pytest.mark.parametrize("release", ["5.0.0.93", "5.0.0-dev", "4.12.0-alpha2-123-gabc"])
def test_any_release_has_a_set_of_its_own_that_can_be_written_and_read(release):
    claim = claim_from(replace(FAILING, target=Target(opencv=release)), None)
    assert holds(exactly(release), release)
    assert parse(render([claim], ""), "f")[0].covers(CellId.of(replace(FAILING, target=Target(opencv=release))))


# -- files ------------------------------------------------------------------------------------------------------------

ENTRY = '[[expect]]\ncase = "a"\nroute = "onnx"\nopencv = "==5.0.0"\noutcome = "crash"\nreason = "known"\n'


def test_an_entry_is_read():
    (claim,) = parse("# known failures\n\n" + ENTRY + 'engine = "NEW"\nstage = "load"\nissue = "https://x/1"\n', "f")
    assert (claim.case, claim.outcome, claim.stage, claim.engine) == ("a", Outcome.CRASH, Stage.LOAD, "NEW")
    assert (claim.op, claim.issue) == (None, "https://x/1")


@pytest.mark.parametrize("text", ["", "# nothing known\n", "expect = []\n"])
def test_a_file_without_entries_claims_nothing(text):
    assert parse(text, "f") == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[expect]\n", r"known.toml is no TOML: .*line 1"),
        (ENTRY + "\n\nreason = unquoted\n", r"is no TOML: .*line 9"),
        (ENTRY + 'colour = "red"\n', r"known.toml:1: unknown key 'colour'; an entry has case, route"),
        (ENTRY + ENTRY.replace('"crash"', '"boom"'), r"known.toml:7: 'boom' is not a valid Outcome"),
        (ENTRY + 'stage = "lunch"\n', r"known.toml:1: 'lunch' is not a valid Stage"),
        (ENTRY.replace("==5.0.0", "five"), r"known.toml:1: Invalid specifier: 'five'"),
        (ENTRY.replace('reason = "known"\n', ""), r"known.toml:1: 'reason' is missing"),
        (ENTRY.replace('"known"', '""'), r"known.toml:1: 'reason' is missing"),
        (ENTRY.replace('"known"', "3"), r"known.toml:1: 'reason' is 3; write a text"),
        (ENTRY + "op = 3\n", r"known.toml:1: 'op' is 3; write a text"),
        ("[expected]\n", r"known.toml: unknown key 'expected'; a file holds \[\[expect\]\] tables"),
        ("[expect]\n", r"known.toml: 'expect' is {}; write \[\[expect\]\]"),
        ("expect = 3\n", r"known.toml: 'expect' is 3; write"),
        ("expect = [1, 2]\n", r"known.toml: 'expect' is \[1, 2\]; write"),
        ('expect = [{case = "a"}]\n', r"known.toml, entry 1: 'route' is missing"),
        (ENTRY.replace('"known"', '"""\n[[expect]]\n"""') + "x = 1\n", r"known.toml, entry 1: unknown key 'x'"),
    ],
)
def test_what_is_not_right_is_named_with_its_place(text, complaint):
    with pytest.raises(UsageError, match=complaint) as raised:
        parse(text, "known.toml")
    assert raised.value.exit_code is ExitCode.USAGE


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
CLAIMS = st.builds(
    Expectation,
    case=WORDS,
    route=WORDS,
    opencv=st.sampled_from(["==5.0.0.93", ">=4.8,<5", ">=4.8,!=4.9", "===4.12-3-gabc"]),
    outcome=st.sampled_from(Outcome),
    reason=WORDS,
    engine=WORDS,
    stage=st.none() | st.sampled_from(Stage),
    op=st.none() | WORDS,
    issue=st.just("") | WORDS,
)


@settings(deadline=None)
@given(st.lists(CLAIMS, max_size=3))
def test_what_is_rendered_is_what_is_parsed(claims):
    text = render(claims, "known failures\n\nof this zoo")
    assert list(parse(text, "f")) == claims
    assert text.startswith("# known failures\n")
    assert render(parse(text, "f"), "known failures\n\nof this zoo") == text


# -- updates ----------------------------------------------------------------------------------------------------------


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
    untouched = [seen for seen in first if CellId.of(seen) not in run]
    assert all(Expectations(updated).judge(seen)[0] is Judgement.AS_EXPECTED for seen in untouched)
