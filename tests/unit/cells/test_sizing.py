from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cells.sizing import candidates, farthest, resized, shapes_at, with_other_size
from harness.cells.subjects import Subject
from harness.evidence import Property
from harness.manifests import ModelInfo, TensorSpec
from harness.records import Outcome, Record, Target
from harness.sources import Source, SourceKind


def info(*shapes: tuple[int, ...], open_axes: tuple[tuple[int, ...], ...]) -> ModelInfo:
    inputs = tuple(TensorSpec(name=f"x{index}", shape=shape) for index, shape in enumerate(shapes))
    return ModelInfo(
        inputs=inputs,
        outputs=(),
        parameters=0,
        layers=(),
        weights_digest="",
        structure_digest="",
        kind="functional",
        open_axes=open_axes,
    )


@given(st.integers(1, 600))
def test_other_sizes_are_within_half_and_double_and_as_even(size):
    found = candidates(info((1, size, 3), open_axes=((1,),))).get(size, ())
    assert size not in found
    assert all(size <= 2 * other <= 4 * size for other in found)
    assert all(other % min(size & -size, 32) == 0 for other in found)
    assert found


def test_what_is_fixed_stays():
    image = info((1, 96, 128, 3), open_axes=((1, 2),))
    assert candidates(image) == {96: (64, 128, 160, 192), 128: (96, 160, 64, 192, 224, 256)}
    assert shapes_at(image, farthest(image)) == ((1, 64, 256, 3),)
    assert candidates(info((1, 96, 128, 3), open_axes=((),))) == {}
    assert candidates(info((1, 96, 128, 3), open_axes=())) == {}
    tall = info((1, 96, 96, 3), open_axes=((1,),))
    assert shapes_at(tall, {96: 64}) == ((1, 64, 96, 3),)


def test_inputs_that_fit_each_other_still_do():
    pair = info((1, 24, 40, 3), (1, 24, 40, 1), (1, 40), open_axes=((1, 2), (1, 2), ()))
    one, two, vector = shapes_at(pair, farthest(pair))
    assert one[:3] == two[:3] != (1, 24, 40)
    assert (one[3], two[3], vector) == (3, 1, (1, 40))


def test_pictures_have_their_own_size():
    source = Source(kind=SourceKind.CASE, location="a/b", zoo=("zoo",))
    image = info((1, 96, 128, 3), open_axes=((1, 2),))
    found = resized(Subject(id="a/b", source=source, picture="m:f"), image, {96: 64})
    assert (found.id, found.picture, found.source.input_shapes) == ("a/b", None, ((1, 64, 128, 3),))


@pytest.mark.parametrize(
    ("outcome", "held"), [("ok", True), ("mismatch", False), ("crash", False), ("export-failed", None)]
)
def test_what_became_of_the_other_size_is_a_property_of_the_first(outcome, held):
    here = Record(case="a/b", route="onnx", target=Target(opencv="5"), outcome=Outcome.OK)
    other = Record(case="a/b", route="onnx", target=Target(opencv="5"), outcome=Outcome(outcome), message="far off")
    record = with_other_size(here, other, ((1, 64, 128, 3), (1, 5)))
    said = "agrees at 1,64,128,3; 1,5" if held else f"at 1,64,128,3; 1,5: {outcome}: far off"
    expected = () if held is None else (Property(name="other-size", held=held, message=said),)
    assert (record.outcome, record.properties) == (Outcome.OK, expected)
