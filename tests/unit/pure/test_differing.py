from __future__ import annotations

from dataclasses import replace

import pytest

from harness.encoding import from_json, to_json
from harness.evidence import Parity, Property
from harness.pure.differing import WORSE, Change, Key, compare, in_words
from harness.pure.pace import pace
from harness.records import Outcome, PortLayouts, Record, Stage, Target
from harness.timings import Latency, LayerTime, Profile, Timing

OLD, NEW = Target(opencv="4.14.0.94"), Target(opencv="5.0.0.93")
OK = Record(case="nets/a", route="onnx", target=OLD, outcome=Outcome.OK)
FAILING = replace(OK, outcome=Outcome.UNSUPPORTED_OP, stage=Stage.LOAD, op="Erf", layer="gelu")
WRONG = replace(OK, outcome=Outcome.MISMATCH, stage=Stage.COMPARE, layer="dense")
ABSENT = replace(OK, outcome=Outcome.ROUTE_ABSENT, stage=Stage.LOAD)


def off(by, allowed=1e-5):
    margin = None if by is None else by / allowed
    return Parity(max_abs=by, allowed=allowed, margin=margin, inputs=3, why="", worst_input="ramp")


def held(*, nan):
    return (Property(name="nan", held=nan, message=None),)


def changes(before, after):
    return [one.change for one in compare([before], [replace(after, target=NEW)]).differences]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (OK, OK, []),
        (FAILING, FAILING, []),
        (OK, FAILING, [Change.BROKEN]),
        (OK, WRONG, [Change.BROKEN]),
        (FAILING, OK, [Change.FIXED]),
        (FAILING, WRONG, [Change.CHANGED]),
        (FAILING, replace(FAILING, op="Tanh"), [Change.CHANGED]),
        (FAILING, replace(FAILING, stage=Stage.FORWARD), [Change.CHANGED]),
        (FAILING, replace(FAILING, layer="gelu_1", message="other words"), []),
        (ABSENT, OK, [Change.IMPORTER_NEW]),
        (ABSENT, FAILING, [Change.IMPORTER_NEW]),
        (OK, ABSENT, [Change.IMPORTER_GONE]),
        (ABSENT, ABSENT, []),
        (replace(OK, parity=off(1e-6)), replace(OK, parity=off(9e-6)), []),
        (replace(WRONG, parity=off(0.5)), replace(WRONG, parity=off(0.1)), [Change.NUMERICS]),
        (replace(WRONG, parity=off(0.5)), replace(WRONG, parity=off(0.500001)), []),
        (replace(WRONG, parity=off(0.5)), replace(WRONG, parity=off(None)), [Change.NUMERICS]),
        (replace(WRONG, parity=off(None)), replace(WRONG, parity=off(None)), []),
        (replace(OK, properties=held(nan=True)), replace(OK, properties=held(nan=False)), [Change.PROPERTY]),
        (replace(OK, properties=held(nan=True)), OK, []),
        (
            replace(OK, layout=PortLayouts(input=("NCHW",), output=("NCHW",))),
            replace(OK, layout=PortLayouts(input=("as-keras",), output=("NCHW",))),
            [Change.LAYOUT],
        ),
    ],
)
def test_what_differs_in_a_cell(before, after, found):
    assert changes(before, after) == found


def test_cells_that_one_side_lacks_are_told_of():
    here, there = replace(OK, case="nets/b"), replace(FAILING, case="nets/c", target=NEW)
    found = compare([OK, here], [replace(OK, target=NEW), there])
    assert [(one.change, one.cell.case) for one in found.differences] == [
        (Change.MISSING, "nets/b"),
        (Change.ADDED, "nets/c"),
    ]
    assert (found.cells, found.alike) == (1, 1)


def test_engines_and_backends_are_cells_of_their_own():
    classic = replace(OK, target=replace(OLD, engine_asked="CLASSIC"))
    broken = replace(FAILING, target=replace(NEW, engine_asked="CLASSIC"))
    found = compare([OK, classic], [replace(OK, target=NEW), broken])
    assert [one.cell for one in found.differences] == [Key(case="nets/a", route="onnx", engine="CLASSIC")]
    assert str(found.differences[0].cell) == "nets/a [onnx, CLASSIC]"


def test_a_difference_names_what_is_to_blame_on_the_side_that_fails():
    broken = compare([OK], [replace(FAILING, target=NEW, advice=("route pb works",))]).differences[0]
    assert (broken.what, broken.op, broken.layer) == ("ok -> unsupported-op at load (Erf, layer gelu)", "Erf", "gelu")
    assert broken.advice == ("route pb works",)
    fixed = compare([FAILING], [replace(OK, target=NEW)]).differences[0]
    assert (fixed.what, fixed.layer) == ("unsupported-op at load (Erf, layer gelu) -> ok", "gelu")
    assert in_words(replace(FAILING, op=None, layer=None, signal="SIGSEGV")) == "unsupported-op at load (SIGSEGV)"


def test_the_worst_comes_first_and_decides():
    before = [replace(FAILING, case="nets/fixed"), OK]
    after = [replace(OK, case="nets/fixed", target=NEW), replace(WRONG, target=NEW)]
    found = compare(before, after)
    assert [one.change for one in found.differences] == [Change.BROKEN, Change.FIXED]
    assert found.fails(WORSE)
    assert not found.fails([Change.SLOWER])
    assert (found.before, found.after, found.alike, found.count(Change.FIXED)) == ("4.14.0.94", "5.0.0.93", 0, 1)


def test_a_pace_beyond_the_noise_is_a_difference_of_its_cell():
    slow = pace("nets/a", "onnx", "default", [1.0] * 15, [2.0] * 15)
    same = pace("nets/a", "pb", "default", [1.0] * 15, [1.0] * 15)
    found = compare([OK], [replace(OK, target=NEW)], [slow, same])
    assert [(one.change, one.cell.route) for one in found.differences] == [(Change.SLOWER, "onnx")]
    assert found.alike == 0
    assert from_json(to_json(found), type(found)) == found


def profiled(record, ms):
    layers = (LayerTime(layer="conv", class_="Conv2D", ms=ms), LayerTime(layer="dense", class_="Dense", ms=1.0))
    profile = Profile(layers=layers, total_ms=ms + 1, forward_ms=ms + 1.5)
    timing = Timing(min=1, median=1, p95=1, n=1)
    return replace(record, latency=Latency(load_ms=1, forward_ms=timing, profile=profile))


def test_profiles_of_both_sides_are_joined_by_layer():
    comparison = compare([profiled(OK, 2.0)], [profiled(replace(OK, target=NEW), 5.0)])
    (cell,) = comparison.profiles
    assert (str(cell.cell), cell.before_ms, cell.after_ms) == ("nets/a [onnx]", 3.5, 6.5)
    assert [(pair.layer, pair.change_ms) for pair in cell.layers] == [("conv", 3.0), ("dense", 0.0)]
    assert compare([profiled(OK, 2.0)], [replace(OK, target=NEW)]).profiles == ()
