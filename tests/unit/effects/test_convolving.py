"""Winograd's rounding on real OpenCV: a wide convolution is right, differs beyond the tolerance, and is told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper, numpy_helper, save

from harness.cells.lane import Lane
from harness.cells.library import Library
from harness.cells.subjects import Cell, Seat, Subject
from harness.effects.convolving import without_winograd
from harness.effects.exporting import Exporter
from harness.effects.observing import OpenCV
from harness.manifests import Manifest, Port, TensorSpec
from harness.pure.inputs import PROBES, expand
from harness.records import Outcome, Target
from harness.sources import Source, SourceKind

pytestmark = pytest.mark.xdist_group("convolving")  # what its fixtures make is made once

CHANNELS, OUT, SIZE = 768, 8, 12
"""The classic engine takes Winograd from 12x12 on; its error grows with the square root of the channels."""
WEIGHTS = (np.random.default_rng(5).normal(size=(OUT, CHANNELS, 3, 3)) / np.sqrt(9 * CHANNELS)).astype(np.float32)


def port(name: str, channels: int) -> Port:
    return Port(name=name, tensor=TensorSpec(name=name, shape=(1, channels, SIZE, SIZE)))


MANIFEST = Manifest(
    route="as-is",
    format="onnx",
    file="model.onnx",
    inputs=(port("x", CHANNELS),),
    outputs=(port("y", OUT),),
    weights_digest="weights",
    ops={"Conv": 1},
)


def convolved(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, weights, optimize=True)


@pytest.fixture
def wide(shelf):
    """Return a wide convolution as a user's file, and a function that stores its references."""
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="conv", pads=[1, 1, 1, 1])
    ends = [helper.make_tensor_value_info(p.name, 1, p.tensor.shape) for p in (*MANIFEST.inputs, *MANIFEST.outputs)]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], [numpy_helper.from_array(WEIGHTS, "w")])
    path = shelf.folder / "wide.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    subject = Subject(id="wide", source=Source(kind=SourceKind.ONNX, location=str(path)), family="files")
    shelf.artifact(subject, path.read_bytes(), MANIFEST)

    def ready(weights: np.ndarray = WEIGHTS) -> Subject:
        shelf.references(subject, MANIFEST, lambda x: [convolved(x, weights.astype(np.float64))], PLANS)
        return subject

    return ready


PLANS = PROBES[:3]


def judged(shelf, subject, worker, engine="CLASSIC"):
    lane = Lane(
        Library(shelf.store, Exporter(seconds=1)), {Seat(environment="installed", engine=engine): worker}, repeats=1
    )
    target = Target(opencv="5.0.0.93", engine_asked=engine)
    return lane.judge(Cell(subject=subject, route="as-is", target=target, environment="installed"), PLANS)


@pytest.fixture(scope="module")
def classic():
    with OpenCV(engine="CLASSIC") as worker:
        yield worker


def test_a_wide_convolution_is_ok_and_says_that_winograd_explains_its_error(wide, shelf, classic):
    record = judged(shelf, wide(), classic)
    assert (record.outcome, record.message) == (Outcome.OK, None)
    assert "Winograd" in record.caveat
    assert record.parity.margin < 1
    assert record.parity.why.startswith("46.3 (Winograd")


def test_one_weight_in_a_thousand_that_is_wrong_is_still_a_mismatch(wide, shelf, classic):
    weights = WEIGHTS.copy()
    weights[0, 0] *= 1.01
    record = judged(shelf, wide(weights), classic)
    assert (record.outcome, record.caveat) == (Outcome.MISMATCH, None)


def test_an_engine_that_gives_other_bits_is_not_excused_by_the_classic_one(wide, shelf, tampered):
    """It loads, it is no classic engine, and its error is of Winograd's size; but it is another one."""
    argv = tampered(
        "real = cv2.dnn.Net.forward\n"
        "def forward(net, names):\n"
        "    found = list(real(net, names))\n"
        "    if net.getLayerId('_input') != 0: found[0] = found[0] + 1e-4 * abs(found[0]).max()\n"
        "    return found\n"
        "cv2.dnn.Net.forward = forward"
    )
    with OpenCV(argv, engine="NEW") as worker:
        record = judged(shelf, wide(), worker, "NEW")
    assert (record.outcome, record.caveat) == (Outcome.MISMATCH, None)


def test_the_switch_reaches_opencv_and_changes_the_error_tenfold(wide, classic):
    model = Path(wide().source.location)
    (x,) = expand(PLANS[0], [MANIFEST.inputs[0].tensor])
    usual = classic.observe(MANIFEST, model, [[x]])
    exact = convolved(x.astype(np.float64), WEIGHTS.astype(np.float64))
    ((plain,),) = without_winograd(classic, MANIFEST, model, [[x]], usual)
    fast = usual.outputs[0][0]
    assert np.abs(fast - exact).max() > 5 * np.abs(plain - exact).max()


def test_a_network_that_does_not_run_without_it_tells_nothing(wide, classic, tmp_path):
    usual = classic.observe(MANIFEST, Path(wide().source.location), [])
    assert without_winograd(classic, MANIFEST, tmp_path / "gone.onnx", [[np.zeros(1)]], usual) == ()
