from __future__ import annotations

from dataclasses import replace

from harness.records import Judgement, Outcome, Record, Stage, Target
from harness.routes import all_routes
from harness.usecases.answers import advise, failed, supported


def record(route="onnx", outcome=Outcome.OK, *, opencv="5.0.0.93", judgement=Judgement.AS_EXPECTED) -> Record:
    return Record(case="a", route=route, target=Target(opencv=opencv), outcome=outcome, judgement=judgement)


def test_a_run_fails_for_surprises_and_for_what_is_not_reported():
    new = record(outcome=Outcome.CRASH, judgement=Judgement.NEW_FAILURE)
    fixed = record(judgement=Judgement.FIXED)
    assert failed([record(), record("pb")], 2) == []
    assert failed([record(), new, fixed], 3) == ["2 of 3 cells are not as expected"]
    assert failed([record()], 2) == ["2 cells were planned but 1 reported"]
    assert len(failed([new], 2)) == 2
    assert failed([replace(record(), judgement=None)], 1) == ["1 of 1 cells are not as expected"]


def test_a_model_is_supported_by_one_good_route_on_each_target_or_by_all_that_were_asked_for():
    routes = all_routes()
    good, bad = record("onnx"), record("pb", Outcome.CRASH)
    assert supported([good, bad], routes, ())
    assert not supported([bad], routes, ())
    assert not supported([record("pb-naive"), bad], routes, ())
    assert not supported([good, bad], routes, ("onnx", "pb"))
    assert supported([good], routes, ("onnx",))
    elsewhere = record("onnx", Outcome.MISMATCH, opencv="4.14.0.94")
    assert not supported([good, elsewhere], routes, ())
    assert supported([good, elsewhere, record("pb", opencv="4.14.0.94")], routes, ())


def test_only_what_was_tried_on_the_same_target_is_advised():
    bad = replace(record("pb", Outcome.CRASH), stage=Stage.LOAD)
    records = advise([bad, record("onnx"), record("tflite", opencv="4.14.0.94")])
    assert records[0].advice == ("route onnx loads and matches on OpenCV 5.0.0.93",)
    assert [other.advice for other in records[1:]] == [(), ()]
    assert advise([bad])[0].advice == ()


def test_what_works_for_another_model_is_no_advice():
    bad, other = record("pb", Outcome.CRASH), replace(record("onnx"), case="b")
    assert advise([bad, other])[0].advice == ()


def test_another_engine_is_named_where_it_takes_what_the_usual_one_does_not():
    bad = record("pb", Outcome.CRASH)
    classic = replace(record("pb"), target=Target(opencv="5.0.0.93", engine_asked="CLASSIC"))
    assert advise([bad, classic])[0].advice == ("OpenCV 5.0.0.93/CLASSIC takes it by route pb",)
