"""Faults planted in a real model, run in a real worker; the store holds all that TensorFlow would be asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from harness.cells.lane import Lane
from harness.cells.library import Library
from harness.cells.subjects import Cell, Seat
from harness.effects import fingerprint
from harness.effects.exporting import Exporter
from harness.effects.observing import OpenCV
from harness.errors import ExportFailedError
from harness.pure.faults import KERAS_FAULTS
from harness.pure.inputs import PROBES, SPECIAL, Kind, digest
from harness.pure.strategies import SCALES, further
from harness.records import Outcome, Target
from harness.routes import all_routes
from harness.usecases import clean
from harness.usecases.clean import clean_cells, judge_clean
from harness.usecases.planted import EXCESSES, LOOKED_AT_AGAIN, Examiner, Findings
from tests.unit.conftest import Shelf

pytestmark = pytest.mark.xdist_group("planted")  # what its fixtures make is made once

FACTORS = np.linspace(0.51, 2.01, 3, dtype=np.float32).reshape(1, 3, 1, 1)
SCALED = [helper.make_node("Mul", ["x", "factors"], ["y"], name="scaled")]
BOUNDED = [helper.make_node("Mul", ["x", "factors"], ["h"]), helper.make_node("Relu", ["h"], ["y"], name="relu")]
CANCELLED = [
    helper.make_node("Mul", ["x", "factors"], ["h"]),
    helper.make_node("Sub", ["h", "h"], ["zero"]),
    helper.make_node("Add", ["x", "zero"], ["y"]),
]
"""The weights cancel out: no fault of theirs can be seen."""

Compute = Callable[[np.ndarray], Sequence[np.ndarray]]


def scaled(x: np.ndarray) -> Sequence[np.ndarray]:
    return [x * FACTORS]


@pytest.fixture(scope="module")
def worker():
    with OpenCV() as worker:
        yield worker


class Bench:
    """A lane whose exporter must never start, and networks that are exported by route `onnx` alone."""

    def __init__(self, shelf: Shelf, worker: OpenCV) -> None:
        self.shelf = shelf
        self.exporter = Exporter(seconds=1)
        self.lane = Lane(Library(shelf.store, self.exporter), {Seat(environment="installed"): worker}, repeats=0)
        self.manifest = shelf.manifest(["x"], ["y"], route="onnx")
        self.subject = shelf.file("network", [helper.make_node("Relu", ["x"], ["y"])], ["x"], ["y"])
        self.cell = Cell(subject=self.subject, route="onnx", target=Target(opencv="5.0.0.93"), environment="installed")

    def put(self, nodes: Sequence[onnx.NodeProto], compute: Compute) -> None:
        path = self.shelf.file("other", nodes, ["x"], ["y"]).source.location
        model = onnx.load(path)
        model.graph.initializer.append(numpy_helper.from_array(FACTORS, "factors"))
        self.shelf.artifact(self.subject, model.SerializeToString(), self.manifest)
        self.shelf.references(self.subject, self.manifest, compute, (*PROBES, *LOOKED_AT_AGAIN, *SPECIAL))
        self._put_failures()

    def _put_failures(self) -> None:
        """Note that no other route or opset exports it, and that there is no Keras model to plant a fault in."""
        for route in ("pb", "tflite", "onnx-dynamic-batch", "onnx"):
            others = [[f"opset {opset}"] for opset in all_routes()[route].opsets[1:]]
            for more in others if route == "onnx" else ([], *others):
                self.shelf.failure("artifact", self.shelf.key(self.subject, route, *more), ExportFailedError("no"))
        for fault in KERAS_FAULTS:
            artifact = self.shelf.key(self.subject, "onnx")
            key = fingerprint.combine(artifact, fingerprint.faults(), fault.kind, "")
            self.shelf.put("faulty", key, lambda folder: (folder / "change.txt").write_text(""))

    def examine(self) -> Findings:
        with Examiner(self.lane, self.shelf.store, PROBES) as examiner:
            found = examiner.examine(self.cell)
        assert not self.exporter.started
        return found


@pytest.fixture
def bench(shelf, worker) -> Bench:
    return Bench(shelf, worker)


def kinds(found: Findings, **wanted: object) -> set[str]:
    return {t.kind for t in found.trials if all(getattr(t, name) == value for name, value in wanted.items())}


def survivors(found: Findings) -> dict[str, tuple[bool, str]]:
    gone = [trial.survivor for trial in found.trials if trial.survivor is not None]
    return {survivor.kind: (survivor.equivalent, survivor.reason) for survivor in gone}


def test_faults_that_have_an_effect_are_detected(bench):
    bench.put(SCALED, scaled)
    found = bench.examine()
    assert found.outcome is Outcome.OK
    assert survivors(found) == {}
    assert kinds(found, detected=True) == {
        "weights-up-1%", "weights-down-1%", "one-weight-up-10%", "one-weight-down-10%", "weights-half",
        "output-stale", "rows-shifted", "columns-shifted", "output-transposed", "output-reversed", "output-half",
        "one-value-off", "nan-lost",
    }  # fmt: skip


def test_the_smallest_fault_that_is_detected_is_the_tolerance(bench):
    bench.put(SCALED, scaled)
    seen = dict(bench.examine().thresholds)
    assert list(seen) == list(EXCESSES)
    assert [excess for excess, detected in seen.items() if detected] == [1e-2, 1e-3, 1e-4]


def test_a_fault_that_changes_nothing_is_equivalent(bench):
    bench.put(CANCELLED, lambda x: [x])
    gone = survivors(bench.examine())
    inputs = len(PROBES) + len(LOOKED_AT_AGAIN)
    assert {kind for kind, (equivalent, _) in gone.items() if equivalent} == set(gone)
    assert gone["weights-up-1%"][1] == f"the same bits on {inputs} inputs: what it multiplies cancels out"


def test_a_fault_that_shows_on_other_inputs_alone_is_a_miss(bench, monkeypatch):
    """Without an input that reaches 6, a bound of 6 is not seen."""
    bench.put(BOUNDED, lambda x: [np.maximum(x * FACTORS, 0)])
    monkeypatch.setattr(f"{__name__}.PROBES", PROBES[:3])
    equivalent, reason = survivors(bench.examine())["relu-as-relu6"]
    assert not equivalent
    assert reason.startswith("invisible on the 3 inputs of a run, but moves an output by ")


def test_the_usual_inputs_reach_a_bound_of_6(bench):
    bench.put(BOUNDED, lambda x: [np.maximum(x * FACTORS, 0)])
    found = bench.examine()
    assert "relu-as-relu6" in kinds(found, detected=True)
    assert "nan-lost" not in {trial.kind for trial in found.trials} - kinds(found, detected=True)


def test_nothing_is_planted_where_the_clean_network_is_wrong(bench):
    bench.put(SCALED, lambda x: [x])
    found = bench.examine()
    assert (found.outcome, found.trials, found.thresholds) == (Outcome.MISMATCH, (), ())


def test_clean_cells_raise_no_alarm(bench):
    bench.put(SCALED, scaled)
    plans = tuple(islice(further(bench.subject.id), 30))
    bench.shelf.references(bench.subject, bench.manifest, scaled, plans)
    assert list(clean_cells(bench.lane, bench.cell, PROBES, 6)) == [None] * 6


def test_no_two_clean_cells_have_the_same_input(bench):
    """A ramp is the same for every seed: of 5 scales there are 5 ramps, not 25."""
    bench.put(SCALED, scaled)
    sound = judge_clean(bench.lane, bench.cell, PROBES)
    found = clean._distinct(sound, 200)
    assert len({digest(arrays) for _, arrays in found}) == len(found) == 200
    assert Counter(plan.kind for plan, _ in found)[Kind.RAMP] == len(SCALES)


def test_a_false_alarm_says_how_to_see_it_again(bench):
    """The references of one further input are those of another network."""
    bench.put(SCALED, scaled)
    plans = tuple(islice(further(bench.subject.id), 4))
    bench.shelf.references(bench.subject, bench.manifest, lambda x: [x], plans[2:3])
    bench.shelf.references(bench.subject, bench.manifest, scaled, plans)
    found = list(clean_cells(bench.lane, bench.cell, PROBES, 4))
    assert [place for place, alarm in enumerate(found) if alarm is not None] == [2]
    assert found[2].reproduce == f"dnn-harness check network --route onnx --opencv installed --input {plans[2]}"
    assert "is off by" in found[2].message


def test_a_route_that_exports_nothing_is_not_clean(bench):
    bench.put(SCALED, scaled)
    cell = Cell(subject=bench.subject, route="pb", target=bench.cell.target, environment="installed")
    assert judge_clean(bench.lane, cell, PROBES) is Outcome.EXPORT_FAILED
