"""Properties tried on real networks: OpenCV as it is, and OpenCV made to break each of them."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from harness.cells.lane import Lane
from harness.cells.library import Library
from harness.cells.subjects import Cell, Seat
from harness.effects.exporting import Exporter
from harness.effects.observing import OpenCV
from harness.pure.inputs import PROBES
from harness.records import Outcome, Record, Target

TWICE = [helper.make_node("Add", ["x", "x"], ["y"], name="twice")]
BOTH = [helper.make_node("Sub", ["a", "b"], ["y"], name="minus")]
RELU = [helper.make_node("Relu", ["x"], ["y"], name="relu")]
USUAL = ["first-again", "same-bits-twice", "reload", "threads", "denormal", "inf", "nan"]

WRAP = """
real = cv2.dnn.readNetFromONNX
loads = []
class Net:
    def __init__(self, net): self.net, self.given, self.runs = net, [], 0
    def setInput(self, value, name):
        import numpy
        self.given = (self.given + [name])[-2:]
        self.odd = bool(numpy.isnan(value).any())
        self.net.setInput(value, name)
    def forward(self, names=None):
        self.runs += 1
        return [self.turned(y) for y in self.net.forward(names)]
    def turned(self, y):
        {change}
        return y
    def __getattr__(self, name): return getattr(self.net, name)
def load(path, **k):
    loads.append(path)
    return Net(real(path, **k))
cv2.dnn.readNetFromONNX = load
"""


TIMED = 2
AGAIN = len(PROBES) + TIMED + 1
"""Number of the run that is the first input's second."""


@pytest.fixture
def judge(shelf, tampered):
    """Judge a network on a worker whose outputs are changed by a line of Python about `y`, the net and `loads`."""

    def judge(nodes, compute, change: str = "", *, inputs: str = "x", properties: bool = True) -> Record:
        subject = shelf.ready("net", nodes, compute, inputs=inputs)
        argv = tampered(WRAP.replace("{change}", change)) if change else ()
        cell = Cell(subject=subject, route="as-is", target=Target(opencv="5.0.0.93"), environment="installed")
        with OpenCV(argv) as worker:
            lane = Lane(
                Library(shelf.store, Exporter(seconds=1)), {Seat(environment="installed"): worker}, repeats=TIMED
            )
            return lane.judge(cell, properties=properties)

    return judge


def broken(record: Record) -> list[str]:
    return [found.name for found in record.properties if not found.held]


def twice(x):
    return [x + x]


def test_a_sound_network_holds_them_all(judge):
    record = judge(TWICE, twice)
    assert record.outcome is Outcome.OK
    assert [found.name for found in record.properties] == USUAL
    assert broken(record) == []
    assert {found.message for found in record.properties[:4]} == {"bits equal"}


def test_inputs_set_in_the_other_order_are_tried_where_there_are_several(judge):
    record = judge(BOTH, lambda a, b: [a - b], inputs="a b")
    assert record.outcome is Outcome.OK
    assert "input-order" in {found.name for found in record.properties}
    assert "input-order" not in broken(record)


def test_what_nobody_asks_for_is_not_tried(judge):
    assert judge(TWICE, twice, properties=False).properties == ()


@pytest.mark.parametrize(
    ("change", "inputs", "names"),
    [
        (f"y = y + 1 if self.runs == {AGAIN} else y", "x", ["first-again", "same-bits-twice"]),
        (f"y = y + 1 if self.runs == {AGAIN + 1} else y", "x", ["same-bits-twice"]),
        (
            "y = y + 1 if len(loads) == 2 and cv2.getNumThreads() == 1 and not self.odd else y",
            "x",
            ["reload", "threads"],
        ),
        ("y = y + 1 if cv2.getNumThreads() == 2 else y", "x", ["threads"]),
        ("y = y + 1 if self.given == ['b', 'a'] else y", "a b", ["input-order"]),
    ],
    ids=["first-again", "same-bits-twice", "reload", "threads", "input-order"],
)
def test_each_is_seen_to_break_and_makes_the_cell_nondeterministic(judge, change, inputs, names):
    nodes, compute = (TWICE, twice) if inputs == "x" else (BOTH, lambda a, b: [a - b])
    record = judge(nodes, compute, change, inputs=inputs)
    assert broken(record)[: len(names)] == names
    assert record.outcome is Outcome.NONDETERMINISTIC
    assert record.message.startswith(f"{names[0]} does not hold")
    assert record.parity.margin < 1


def test_bits_that_differ_within_the_tolerance_leave_the_outcome(judge):
    record = judge(TWICE, twice, f"y = y * (1 + 1e-6) if self.runs == {AGAIN} else y")
    assert (record.outcome, broken(record)) == (Outcome.OK, ["first-again", "same-bits-twice"])
    assert "times the allowed" in record.properties[0].message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("os.abort() if self.odd else None", "crash: the worker ends by SIGABRT, on an input with NaN"),
        ("y[y != y] = 0", "TensorFlow gives NaN at 3 of 105 places, OpenCV numbers at 3 of them"),
    ],
    ids=["crash", "lost"],
)
def test_what_nan_does_is_told_and_never_decides(judge, change, said):
    record = judge(TWICE, twice, change)
    assert (record.outcome, broken(record)) == (Outcome.OK, ["nan"])
    assert said in record.properties[-1].message


def test_a_crash_on_the_way_is_told_and_the_rest_is_tried_in_a_fresh_worker(judge):
    record = judge(TWICE, twice, f"os.abort() if self.runs == {AGAIN} else None")
    assert record.outcome is Outcome.NONDETERMINISTIC
    assert [found.name for found in record.properties] == USUAL[:4] + USUAL[4:] * (record.properties[-1].name == "nan")
    assert broken(record) == ["first-again"]
    assert "SIGABRT" in record.message


def test_opencv_s_own_relu_makes_nan_of_minus_infinity(judge):
    """OpenCV has one layer for Relu and leaky Relu; below zero, 0 times minus infinity is NaN."""
    record = judge(RELU, lambda x: [np.where(np.isnan(x), x, np.maximum(x, 0))])
    assert (record.outcome, broken(record)) == (Outcome.OK, ["inf"])
    message = next(found.message for found in record.properties if not found.held)
    assert message == "output 'y': TensorFlow gives numbers at 103 of 105 places, OpenCV NaN at 1 of them"


@pytest.mark.parametrize(("times", "outcome"), [(1, Outcome.OK), (9, Outcome.NONDETERMINISTIC)])
def test_a_worker_killed_from_outside_is_asked_once_more(judge, tmp_path, times, outcome):
    kills = tmp_path / "kills"
    kills.write_text("")
    kill = (
        f"import os, pathlib; kills = pathlib.Path({str(kills)!r}); so_far = len(kills.read_text())\n"
        f"        if self.runs == {AGAIN} or so_far:\n"
        f"            if so_far < {times}: kills.write_text('k' * (so_far + 1)); os.kill(os.getpid(), 9)"
    )
    record = judge(TWICE, twice, kill)
    assert record.outcome is outcome, record.message
    assert kills.read_text()
