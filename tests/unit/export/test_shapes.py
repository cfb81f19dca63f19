"""Static shapes: what is asked for must fit, what is left open is chosen and said."""

from __future__ import annotations

import pytest

from harness.errors import ModelRejectedError
from harness.export.shapes import make_static
from harness.manifests import TensorSpec


def spec(*shape: int | None, dtype: str = "float32") -> TensorSpec:
    return TensorSpec(name="x", shape=shape, dtype=dtype)


def test_an_open_batch_becomes_one_without_a_note():
    found, notes = make_static([spec(None, 8, 9, 3)], ())
    assert found[0].shape == (1, 8, 9, 3)
    assert not notes


def test_open_spatial_axes_are_chosen_unequal_and_said():
    found, notes = make_static([spec(None, None, None, 3)], ())
    _, height, width, channels = found[0].shape
    assert len({height, width, channels}) == 3
    assert f"(1, {height}, {width}, 3)" in notes[0]


def test_a_shape_that_fits_is_taken():
    assert make_static([spec(None, None, None, 3)], [(2, 32, 48, 3)])[0][0].shape == (2, 32, 48, 3)


@pytest.mark.parametrize(
    ("specs", "asked", "words"),
    [
        ([spec(None, 8, 9, 3)], [(1, 8, 9, 4)], r"\(1, 8, 9, 4\) does not fit input 'x', which takes \(\?, 8, 9, 3\)"),
        ([spec(None, 8)], [(1, 8, 1)], "does not fit"),
        ([spec(None, 8)], [(1, 8), (1, 8)], "2 input shapes were given but the model has 1 inputs"),
        ([spec(None, None, None, None)], [], "leaves its channels open.*--input-shape"),
        ([spec(None, dtype="string")], [], "dtype string, which no OpenCV blob can carry"),
        ([], [], "no inputs"),
    ],
)
def test_what_does_not_fit_is_named(specs, asked, words):
    with pytest.raises(ModelRejectedError, match=words):
        make_static(specs, asked)
