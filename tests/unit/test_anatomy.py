from __future__ import annotations

from harness.anatomy import Anatomy, Part
from harness.encoding import from_json, to_json
from harness.manifests import TensorSpec


def part(*after: int, outputs: tuple[TensorSpec, ...] = ()) -> Part:
    return Part(layer="l", class_="Add", config="{}", inputs=(), outputs=outputs, after=after)


def test_the_longest_way_to_a_part_begins_at_an_input_and_takes_no_shortcut():
    #      0 - 1 - 2 - 4 ; 0 - 4 ; 3 - 4
    anatomy = Anatomy(parts=(part(), part(0), part(1), part(), part(0, 2, 3)))
    assert anatomy.chain_to(4) == [0, 1, 2, 4]
    assert anatomy.chain_to(3) == [3]


def test_only_floats_of_known_shape_and_the_networks_own_outputs_are_taps():
    outputs = (
        TensorSpec(name="a:0", shape=(1, 3)),
        TensorSpec(name="b:0", shape=(1, None)),
        TensorSpec(name="c:0", shape=()),
        TensorSpec(name="d:0", shape=(1,), dtype="int64"),
        TensorSpec(name="output_3:0", shape=(1,), dtype="int64"),
    )
    assert part(outputs=outputs).taps == ("a:0", "output_3:0")


def test_it_is_stored_and_read_again():
    anatomy = Anatomy(parts=(part(), part(0)), inputs=("x:0",))
    assert from_json(to_json(anatomy), Anatomy) == anatomy
