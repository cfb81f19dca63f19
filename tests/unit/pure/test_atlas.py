from __future__ import annotations

from dataclasses import replace

import pytest

from harness.encoding import from_json, to_json
from harness.pure.atlas import (
    Part,
    advice_at,
    at,
    belongs,
    build_atlas,
    find_cases,
    in_words,
    is_sound,
    join,
    near_words,
)
from harness.records import Outcome, Record, Stage, Target
from harness.report.atlas_page import write_atlas_page

RELEASES = ("4.8.1.78", "4.9.0.80", "4.10.0.84", "5.0.0.93")
OK = Record(case="layers/layer_normalization/axis", route="onnx", target=Target(opencv=""), outcome=Outcome.OK)
NO_OP = replace(OK, outcome=Outcome.UNSUPPORTED_OP, stage=Stage.LOAD, op="Erf", message="no layer\nfor op Erf")
CRASH = replace(OK, outcome=Outcome.CRASH, stage=Stage.LOAD, layer="<script>", signal="SIGSEGV")
LAYERS = {
    "layers/layer_normalization/axis": ("Dense", "InputLayer", "LayerNormalization"),
    "layers/dense/plain": ("Dense", "InputLayer"),
    "architectures/vit": ("Dense", "LayerNormalization"),
}


def over(*records, **more):
    """One record for each release, oldest first; None where it was not run."""
    found = zip(RELEASES, records, strict=True)
    return [replace(one, target=Target(opencv=opencv), **more) for opencv, one in found if one is not None]


PART = Part(started="2026-11-25T10:00:00+00:00", command="dnn-harness run")


def made(*records, part=PART, **versions):
    return build_atlas(records, LAYERS, part=part, versions={"keras": "3", **versions})


def words(*records):
    atlas = made(*over(*[OK] * 4, route="pb"), *over(*records))
    return in_words(atlas, next(one for one in atlas.cases[0].answers if one.route == "onnx"))


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ((OK, OK, OK, OK), "ok all releases"),
        ((NO_OP, OK, OK, OK), "ok since 4.9.0.80; unsupported-op until 4.8.1.78 (Erf)"),
        ((OK, OK, OK, CRASH), "crash 5.0.0.93 (<script>); ok until 4.10.0.84"),
        ((OK, NO_OP, NO_OP, OK), "ok 5.0.0.93; unsupported-op 4.9.0.80 to 4.10.0.84 (Erf); ok until 4.8.1.78"),
        ((NO_OP, replace(NO_OP, op="Tanh"), OK, OK), None),
        ((OK, None, OK, OK), "ok since 4.10.0.84; ok until 4.8.1.78"),
        ((None, None, OK, OK), "ok since 4.10.0.84"),
    ],
)
def test_releases_in_a_row_that_answer_alike_are_one_span(records, said):
    told = words(*records)
    assert told == said if said else told.count("unsupported-op") == 2


def test_a_release_that_was_not_run_has_no_answer():
    atlas = made(*over(OK, None, OK, OK), *over(*[OK] * 4, route="pb"))
    answers = next(one for one in atlas.cases[0].answers if one.route == "onnx")
    assert at(answers, 1) is None
    assert at(answers, 2).outcome is Outcome.OK


ATLAS = made(
    *over(NO_OP, NO_OP, OK, OK),
    *over(OK, OK, OK, CRASH, route="pb"),
    *over(*[OK] * 4, case="layers/dense/plain"),
    *over(*[OK] * 4, case="architectures/vit"),
)


@pytest.mark.parametrize(
    ("word", "cases"),
    [
        ("LayerNormalization", ["layers/layer_normalization/axis", "architectures/vit"]),
        ("layer_normalization", ["layers/layer_normalization/axis", "architectures/vit"]),
        ("dense", ["layers/dense/plain", "architectures/vit", "layers/layer_normalization/axis"]),
        ("vit", ["architectures/vit"]),
        ("InputLayer", []),
        ("nothing", []),
    ],
)
def test_a_word_means_a_keras_class_first_in_cases_about_it_else_part_of_a_name(word, cases):
    assert [case.case for case in find_cases(ATLAS, word)] == cases


def test_words_that_are_near_are_offered():
    assert near_words(ATLAS, "LayerNormalisation")[0] == "LayerNormalization"


def test_only_what_was_run_and_works_is_advised():
    case = find_cases(ATLAS, "layers/layer_normalization")[0]
    onnx, pb = case.answers
    assert advice_at(case, onnx, 0, ATLAS.releases) == ("route pb works", "OpenCV 4.10.0.84 takes it")
    assert advice_at(case, pb, 3, ATLAS.releases) == ("route onnx works",)
    assert advice_at(case, onnx, 3, ATLAS.releases) == ()


def test_an_atlas_is_read_as_it_was_written_and_counts_its_cells():
    assert from_json(to_json(ATLAS), type(ATLAS)) == ATLAS
    assert (ATLAS.releases, ATLAS.cells) == (RELEASES, 16)
    assert made(*over(OK, OK, OK, OK)[::-1]) == made(*over(OK, OK, OK, OK))


NEW_PART = Part(started="2026-12-01T10:00:00+00:00", command="dnn-harness run --opencv 5")


def test_a_newer_atlas_replaces_the_cells_it_has_and_keeps_all_others():
    newer = made(*over(None, None, CRASH, OK), *over(*[OK] * 4, case="layers/dense/new"), part=NEW_PART)
    joined = join(ATLAS, newer)
    answers = {(case.case, one.route): in_words(joined, one) for case in joined.cases for one in case.answers}
    assert answers == {
        ("architectures/vit", "onnx"): "ok all releases",
        ("layers/dense/new", "onnx"): "ok all releases",
        ("layers/dense/plain", "onnx"): "ok all releases",
        ("layers/layer_normalization/axis", "onnx"): (
            "ok 5.0.0.93; crash 4.10.0.84 (<script>); unsupported-op until 4.9.0.80 (Erf)"
        ),
        ("layers/layer_normalization/axis", "pb"): "crash 5.0.0.93 (<script>); ok until 4.10.0.84",
    }
    assert (joined.cells, joined.days) == (20, "2026-11-25 to 2026-12-01")
    assert [case.layers for case in joined.cases if case.case == "layers/dense/plain"] == [("Dense",)]
    assert join(joined, newer) == joined
    assert join(ATLAS) == ATLAS


def test_an_atlas_keeps_of_every_run_when_it_was():
    later = Part(started="2027-03-01T10:00:00+00:00", command=PART.command)
    joined = join(made(*over(OK, OK, OK, None)), made(*over(None, None, None, OK), part=later))
    assert joined.days == "2026-11-25 to 2027-03-01"
    assert joined.parts == (PART, later)


@pytest.mark.parametrize(
    ("target", "does"),
    [
        (Target(opencv="5.0.0.93"), True),
        (Target(opencv="5.0.0.93", engine_asked="CLASSIC"), True),
        (Target(opencv="5.0.0.93", backend="opencv/opencl_fp16"), False),
        (Target(opencv="onnxruntime-1.32.0"), False),
    ],
)
def test_columns_are_releases_of_opencv_on_the_usual_device(target, does):
    assert belongs(replace(OK, target=target)) is does


@pytest.mark.parametrize(
    "damage",
    [
        {"parts": ()},
        {"releases": RELEASES[:1]},
        {"cases": (replace(ATLAS.cases[0], answers=(replace(ATLAS.cases[0].answers[0], spans=()),)),)},
    ],
)
def test_an_atlas_that_does_not_fit_together_is_not_sound(damage):
    assert is_sound(ATLAS)
    assert not is_sound(replace(ATLAS, **damage))


def test_a_release_that_is_new_takes_its_place_among_the_others():
    between = replace(NO_OP, target=Target(opencv="4.9.5.1"))
    joined = join(made(*over(NO_OP, NO_OP, OK, OK)), made(between, part=NEW_PART))
    assert joined.releases == ("4.8.1.78", "4.9.0.80", "4.9.5.1", "4.10.0.84", "5.0.0.93")
    assert in_words(joined, joined.cases[0].answers[0]) == "ok since 4.10.0.84; unsupported-op until 4.9.5.1 (Erf)"
    two = join(made(*over(NO_OP, NO_OP, OK, OK), *over(OK, OK, OK, OK, route="pb")), made(between, part=NEW_PART))
    assert in_words(two, two.cases[0].answers[1]) == "ok since 4.10.0.84; ok until 4.9.0.80"


def test_cells_that_another_exporter_made_are_not_put_beside_these():
    with pytest.raises(ValueError, match="keras is 3 in one and 4 in the other"):
        join(ATLAS, made(*over(OK, OK, OK, OK), part=NEW_PART, keras="4"))
    with pytest.raises(ValueError, match="tf2onnx is absent in one and 1 in the other"):
        join(ATLAS, made(*over(OK, OK, OK, OK), part=NEW_PART, tf2onnx="1"))


def test_the_page_has_every_answer_and_runs_nothing_of_a_models():
    page = write_atlas_page(ATLAS, "dnn-harness run", ["onnx"], ["pb"])
    assert page.count("<script>") == 1, "our own"
    assert "&lt;script&gt;" in page
    for text in (
        "ok since 4.10.0.84",
        "unsupported-op until 4.9.0.80 (Erf)",
        "layers/dense/plain",
        "as found on the web",
    ):
        assert text in page, text
