"""What a contract says, and which route is the best."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.evidence import Parity
from harness.manifests import Layout, Manifest, ModelInfo, Port, TensorSpec
from harness.pure.contracts import best, contract_of
from harness.records import Outcome, Record, Target

IMAGE = TensorSpec(name="image", shape=(1, 24, 40, 3), low=0.0, high=255.0)
MANIFEST = Manifest(
    route="pb",
    format="pb",
    file="model.pb",
    inputs=(Port(name="net/image", tensor=IMAGE, layout=Layout.NCHW),),
    outputs=(Port(name="out", tensor=TensorSpec(name="scores", shape=(1, 10))),),
    weights_digest="w",
)
INFO = ModelInfo(
    inputs=(IMAGE,), outputs=(), parameters=1, layers=("Conv2D",), weights_digest="w", structure_digest="s", kind="f"
)
ROUTES = ("onnx", "pb", "stock")


def record(route: str, opencv: str = "5.0.0.93", outcome: Outcome = Outcome.OK, engine: str = "default") -> Record:
    target = Target(opencv=opencv, engine_asked=engine, engine_used="new")
    parity = Parity(max_abs=1e-6, allowed=1e-5, margin=0.1, inputs=5, why="", worst_input="")
    return Record(case="net", route=route, target=target, outcome=outcome, parity=parity)


def chosen(*records: Record) -> set[str]:
    return {one.route for one in best(records, ROUTES, frozenset({"stock"}))}


def test_what_works_on_more_releases_is_better():
    two = (record("pb"), record("pb", "4.14.0.94"))
    assert chosen(record("onnx"), record("onnx", "4.14.0.94", Outcome.CRASH), *two) == {"pb"}


def test_then_a_recipe_of_ours_then_the_first():
    assert chosen(record("stock"), record("pb")) == {"pb"}
    assert chosen(record("pb"), record("onnx")) == {"onnx"}
    assert chosen(record("stock"), record("pb", outcome=Outcome.MISMATCH)) == {"stock"}


def test_nothing_that_fails_is_best():
    assert chosen(record("onnx", outcome=Outcome.MISMATCH)) == set()


def test_both_sides_of_every_tensor_are_told():
    contract = contract_of(MANIFEST, INFO, [record("pb")], "model.pb", "abc")
    (image,), (scores,) = contract.inputs, contract.outputs
    assert (image.name, image.keras_name, image.layout) == ("net/image", "image", "NCHW")
    assert (image.keras_shape, image.opencv_shape) == ((1, 24, 40, 3), (1, 3, 24, 40))
    assert (image.low, image.high) == (0.0, 255.0)
    assert scores.keras_shape == scores.opencv_shape == (1, 10)


def test_a_free_batch_takes_any_size():
    contract = contract_of(replace(MANIFEST, free_batch=True), INFO, [record("pb")], "model.pb", "abc")
    assert contract.inputs[0].opencv_shape == (None, 3, 24, 40)


def test_only_where_it_works_is_it_verified():
    records = [record("pb"), record("pb", "4.8.1.78", Outcome.IMPORT_ERROR)]
    (verified,) = contract_of(MANIFEST, INFO, records, "model.pb", "abc").verified
    assert (verified.opencv, verified.engine, verified.error, verified.allowed) == ("5.0.0.93", "new", 1e-6, 1e-5)


@pytest.mark.parametrize(
    ("opencv", "asked", "engine"),
    [("5.0.0.93", "default", None), ("5.0.0.93", "CLASSIC", "CLASSIC"), ("4.14.0.94", "CLASSIC", None)],
)
def test_an_engine_is_named_where_one_was_asked_for_and_there_are_several(opencv, asked, engine):
    contract = contract_of(MANIFEST, INFO, [record("pb", opencv, engine=asked)], "model.pb", "abc")
    assert contract.engine == engine


def test_preprocessing_is_told_as_far_as_it_is_known():
    plain = contract_of(MANIFEST, INFO, [record("pb")], "m", "").preprocessing
    scaled = contract_of(MANIFEST, replace(INFO, layers=("Conv2D", "Rescaling")), [record("pb")], "m", "").preprocessing
    assert "scaled as they were in training" in plain
    assert scaled.startswith("The model has its own Rescaling")
