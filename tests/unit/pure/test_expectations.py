from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ExitCode, UsageError
from harness.pure.expectations import Expectation, Expectations, exactly, holds, parse, render
from harness.pure.updating import claim_from, update
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
    first, then = replace(CLAIM, where="a.toml:3"), replace(CLAIM, where="b.toml:9", outcome=Outcome.CRASH)
    words = r"b.toml:9: a.toml:3 speaks of layers/gelu \[onnx, OpenCV 5.0.0.93/default\] as well"
    with pytest.raises(UsageError, match=words):
        Expectations((first, then))


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("==5.0.0.93", ">=5,<6", True),
        (">=4.8,<=4.9.0.80", ">=4.9.0.80,<=5.0.0.93", True),
        (">=4.8,<4.9.0.80", ">=4.9.0.80,<=5.0.0.93", False),
        (">=4.8,<=4.9.0.80", ">4.9.0.80,<=5.0.0.93", False),
        ("==4.8.*", ">=4.8.1,<=4.8.1.78", True),
        ("==4.8.*", "==4.9.*", False),
        (">=4.8,!=4.9.0.80", "==4.9.0.80", False),
        (">=4.8,!=4.9.0.80,<5", "<4.9.0.80,>4.8.1", True),
        ("===4.12-3-gabc", "===4.12-3-gabc", True),
        ("===4.12-3-gabc", ">=4", False),
        (">4.8,<4.9", ">4.8.5,<4.8.6", True),
    ],
)
def test_sets_overlap_where_some_release_is_in_both(one, other, overlap):
    claims = (replace(CLAIM, opencv=one), replace(CLAIM, opencv=other))
    for pair in (claims, claims[::-1]):
        if overlap:
            with pytest.raises(UsageError, match="as well; make their `opencv` sets disjoint"):
                Expectations(pair)
        else:
            Expectations(pair)


TFLITE = replace(CLAIM, case="layers/*", route="tflite*", opencv=">=4.5.5.64,<=4.7.0.72", where="x.toml:1")


def test_a_pattern_speaks_of_every_case_and_route_that_fit():
    book = Expectations((TFLITE,))
    old = replace(FAILING, route="tflite-naive", target=Target(opencv="4.6.0.66"))
    assert book.judge(old)[0] is Judgement.AS_EXPECTED
    assert book.judge(replace(old, case="blocks/x"))[0] is Judgement.NEW_FAILURE
    assert book.judge(replace(old, route="pb"))[0] is Judgement.NEW_FAILURE
    assert book.stale(["layers/gelu"], ["tflite"]) == ()
    assert book.stale(["blocks/x"], ["tflite"]) == book.stale(["layers/gelu"], ["pb"]) == (TFLITE,)


def test_a_claim_goes_before_a_pattern_and_two_patterns_may_not_speak_of_one_cell():
    exact = replace(TFLITE, case="layers/gelu", route="tflite", opencv="==4.6.0.66", where="x.toml:9")
    crash = replace(exact, outcome=Outcome.CRASH, op=None)
    seen = replace(CRASH, route="tflite", target=Target(opencv="4.6.0.66"))
    assert Expectations((TFLITE, crash)).judge(seen)[0] is Judgement.AS_EXPECTED
    book = Expectations((TFLITE, replace(TFLITE, case="*/gelu", where="x.toml:5")))
    with pytest.raises(UsageError, match=r"2 expectations speak of .*: x.toml:1, x.toml:5"):
        book.judge(replace(FAILING, route="tflite", target=Target(opencv="4.6.0.66")))


def test_a_quarantine_holds_to_its_last_day():
    claim = replace(CLAIM, until=date(2026, 3, 31))
    assert Expectations((claim,), date(2026, 3, 31)).judge(FAILING)[0] is Judgement.AS_EXPECTED
    assert Expectations((claim,), date(2026, 4, 1)).judge(FAILING)[0] is Judgement.NEW_FAILURE
    assert parse(render((claim,), ""), "x") == (claim,)
    assert "until = 2026-03-31" in render((claim,), "")


@pytest.mark.parametrize("written", ['"2026-03-31"', "3", "2026-03-31T00:00:00", '""'])
def test_the_end_of_a_quarantine_is_a_day(written):
    with pytest.raises(UsageError, match=r"f:1: 'until' is .*; write a day: 2026-12-31, without quotes"):
        parse(f'[[expect]]\ncase="a"\nroute="b"\nopencv="==1"\noutcome="crash"\nreason="x"\nuntil={written}\n', "f")


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
