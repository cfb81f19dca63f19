"""Which parts are run by themselves, and with which others; in networks drawn on paper."""

from __future__ import annotations

import pytest

from harness.anatomy import Anatomy, Part
from harness.manifests import TensorSpec
from harness.pure.pieces import Pieces


def part(layer: str, inputs: str, outputs: str, *after: int, dtype: str = "float32", shape=(1, 4)) -> Part:
    """A part that takes and gives the named tensors, of one dtype and shape."""
    specs = tuple(TensorSpec(name=f"{name}:0", shape=shape, dtype=dtype) for name in outputs.split())
    given = tuple(f"{name}:0" for name in inputs.split())
    return Part(layer=layer, class_="Layer", config="", inputs=given, outputs=specs, after=after)


MASKED = Anatomy(
    inputs=("x:0",),
    parts=(
        part("dense", "x", "a"),
        part("greater", "a", "mask", 0, dtype="bool"),
        part("double", "a", "b", 0),
        part("where", "mask b", "c", 1, 2),
        part("last", "c", "output_0", 3),
    ),
)


def names(piece) -> set[str]:
    return {MASKED.parts[place].layer for place in piece.places}


def test_a_part_of_floats_is_run_by_itself():
    piece = Pieces(MASKED).around(0)
    assert (names(piece), piece.cut.inputs, piece.cut.outputs) == ({"dense"}, ("x:0",), ("a:0",))


def test_the_last_part_gives_what_the_network_gives():
    piece = Pieces(MASKED).around(4)
    assert (piece.cut.inputs, piece.cut.outputs) == (("c:0",), ("output_0:0",))


def test_one_that_takes_a_mask_is_run_with_its_maker():
    piece = Pieces(MASKED).around(3)
    assert names(piece) == {"greater", "where"}
    assert (set(piece.cut.inputs), piece.cut.outputs) == ({"a:0", "b:0"}, ("c:0",))


def test_one_that_gives_a_mask_is_run_with_its_taker():
    piece = Pieces(MASKED).around(1)
    assert names(piece) == {"greater", "where"}


def test_what_lies_between_belongs_to_it():
    piece = Pieces(MASKED).from_to(0, 4)
    assert names(piece) == {"dense", "greater", "double", "where", "last"}
    assert (piece.cut.inputs, piece.cut.outputs) == (("x:0",), ("output_0:0",))


@pytest.mark.parametrize("shape", [(), (None, 4)], ids=["scalar", "open"])
def test_a_tensor_that_no_blob_can_be_stays_inside(shape):
    anatomy = Anatomy(inputs=("x:0",), parts=(part("a", "x", "s", shape=shape), part("b", "s", "output_0", 0)))
    assert Pieces(anatomy).around(0).cut.outputs == ("output_0:0",)


def test_what_has_no_end_that_could_be_asked_for_is_no_piece():
    anatomy = Anatomy(inputs=("x:0",), parts=(part("a", "x", "mask", dtype="bool"),))
    assert Pieces(anatomy).around(0) is None


def test_one_that_needs_too_much_company_is_no_piece():
    chain = [part("a0", "x", "m0", dtype="bool")]
    chain += [part(f"a{n}", f"m{n - 1}", f"m{n}", n - 1, dtype="bool") for n in range(1, 20)]
    anatomy = Anatomy(inputs=("x:0",), parts=(*chain, part("end", "m19", "output_0", 19)))
    assert Pieces(anatomy).around(3) is None
