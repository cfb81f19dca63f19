from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from harness.cells.lane import Lane
from harness.cells.library import Library
from harness.cells.subjects import Cell, Seat, Subject
from harness.effects.exporting import Exporter
from harness.effects.observing import OpenCV
from harness.encoding import to_json
from harness.errors import ExportFailedError, ModelRejectedError, NoReferenceError
from harness.observations import Observation
from harness.pure.inputs import PROBES, InputPlan, Kind, digest, expand
from harness.records import Outcome, Record, Stage, Target
from harness.routes import all_routes

TWICE = [helper.make_node("Add", ["x", "x"], ["y"], name="model/twice/Add")]
UNKNOWN = [helper.make_node("Foo", ["x"], ["y"], name="model/foo/Foo")]
BOTH = [
    helper.make_node("Add", ["a", "b"], ["total"], name="add"),
    helper.make_node("Mul", ["a", "b"], ["product"], name="mul"),
]


def cell(subject: Subject, route: str = "as-is", engine: str = "default") -> Cell:
    target = Target(opencv="5.0.0.93", engine_asked=engine)
    return Cell(subject=subject, route=route, target=target, environment="installed")


@pytest.fixture(scope="module")
def installed():
    with OpenCV() as worker:
        yield worker


@pytest.fixture
def judge(shelf, installed):
    """Judge a subject on a worker of its own command, or on the shared one; TensorFlow must not be needed."""
    opened = []

    def judge(subject: Subject, argv=(), plans=PROBES, route="as-is", **options) -> Record:
        worker = OpenCV(argv, **options) if argv or options else installed
        exporter = Exporter(seconds=1)
        opened.extend([worker] if worker is not installed else [])
        lane = Lane(Library(shelf.store, exporter), {Seat(environment="installed"): worker}, repeats=3)
        record = lane.judge(cell(subject, route), plans)
        assert not exporter.started
        to_json(record)
        return record

    yield judge
    for worker in opened:
        worker.close()


def held(record: Record) -> dict[str, bool]:
    return {found.name: found.held for found in record.properties}


def starts(shelf) -> int:
    return len((shelf.folder / "starts").read_text().split())


def test_a_network_that_computes_what_it_should_is_ok(shelf, judge):
    record = judge(shelf.ready("twice", TWICE, lambda x: [x + x]))
    assert (record.outcome, record.stage, record.message) == (Outcome.OK, None, None)
    assert record.parity.inputs == len(PROBES)
    assert record.parity.margin <= 1
    assert record.parity.sensitivity > 1000
    assert record.latency.forward_ms.n == 3
    assert 0 < record.latency.forward_ms.min <= record.latency.forward_ms.median <= record.latency.forward_ms.p95
    assert record.target.engine_used in {"new", "classic"}
    assert record.layout.input == record.layout.output == ("as-keras",)
    assert set(record.seconds) == {"export", "opencv", "compare", "properties"}
    assert record.ops == {"Op": 1}
    assert record.artifact == shelf.key(shelf.file("twice", TWICE, ["x"], ["y"]), "as-is")


@pytest.mark.parametrize(
    ("fault", "compute"),
    [
        ("one percent off", lambda x: [2.02 * x]),
        ("a constant off", lambda x: [x + x + 1e-3]),
        ("height and width swapped", lambda x: [(x + x)[:, :, ::-1, ::-1]]),
        ("channels reversed", lambda x: [(x + x)[:, ::-1]]),
        ("one value missing", lambda x: [np.where(x == x.max(), 0, x + x)]),
    ],
)
def test_a_network_that_computes_something_else_is_a_mismatch(shelf, judge, fault, compute):
    record = judge(shelf.ready("faulty", TWICE, compute))
    assert (record.outcome, record.stage) == (Outcome.MISMATCH, Stage.COMPARE), fault
    assert record.parity.margin > 5
    assert str(record.parity.worst_input) in {str(plan.each[0]) for plan in PROBES}
    assert record.parity.worst_input in record.message


@pytest.mark.parametrize(
    ("off", "rounding", "outcome"),
    [(1.0001, 4e-3, Outcome.OK), (1.0001, 1e-6, Outcome.MISMATCH), (2.0, 1e9, Outcome.MISMATCH)],
    ids=["explained", "not explained", "far beyond"],
)
def test_a_little_beyond_its_tolerance_more_of_tensorflow_s_rounding_decides(shelf, judge, off, rounding, outcome):
    record = judge(shelf.ready("net", TWICE, lambda x: [(x + x) * off], rounding=rounding))
    assert record.outcome is outcome
    assert ("more of them" in record.parity.why) is (outcome is Outcome.OK)


def test_outputs_are_compared_by_name_so_that_a_swap_is_a_mismatch(shelf, judge):
    right = shelf.ready("right", BOTH, lambda a, b: [a * b, a + b], inputs="b a", outputs="product total")
    assert judge(right).outcome is Outcome.OK
    swapped = shelf.ready("swapped", BOTH, lambda a, b: [a + b, a * b], inputs="a b", outputs="product total")
    record = judge(swapped)
    assert record.outcome is Outcome.MISMATCH
    assert record.parity.output in {"product", "total"}


@pytest.mark.parametrize(
    ("nodes", "outcome"),
    [
        (TWICE, Outcome.OK),
        (
            [helper.make_node("Add", ["x", "x"], ["z"]), helper.make_node("CumSum", ["z", "axis"], ["y"])],
            Outcome.MISMATCH,
        ),
    ],
    ids=["items stay apart", "items meet"],
)
def test_a_free_batch_gives_its_items_what_each_gets_alone(shelf, judge, nodes, outcome):
    subject = shelf.batched("free", nodes, lambda x: [x + x])
    record = judge(subject)
    assert record.outcome is outcome
    assert record.parity.inputs == sum(plan.items for plan in PROBES) + 1
    assert held(record)["batch"] is (outcome is Outcome.OK)
    if outcome is Outcome.MISMATCH:
        assert record.parity.worst_input == str(PROBES[2]) == "image:seed=3:scale=1.0:items=3"


def test_inputs_are_given_by_name(shelf, judge):
    for name, compute, outcome in (
        ("right", lambda b, a: [a - b], Outcome.OK),
        ("swapped", lambda b, a: [b - a], Outcome.MISMATCH),
    ):
        nodes = [helper.make_node("Sub", ["a", "b"], ["y"], name=name)]
        assert judge(shelf.ready(name, nodes, compute, inputs="b a")).outcome is outcome


def test_an_output_of_another_shape_is_said_with_both_shapes(shelf, judge):
    record = judge(shelf.ready("turned", TWICE, lambda x: [(x + x).transpose(0, 2, 3, 1)]))
    assert record.outcome is Outcome.WRONG_SHAPE
    assert record.message == (
        "output 'y' has shape [1, 3, 5, 7], but should be [1, 5, 7, 3]; the output is NCHW, documented NHWC"
    )


def test_a_network_whose_output_never_varies_is_vacuous(shelf, judge):
    constant = [helper.make_node("Sub", ["x", "x"], ["y"], name="nought")]
    record = judge(shelf.ready("constant", constant, lambda x: [np.where(np.isfinite(x), 0, np.nan)]))
    assert (record.outcome, record.stage) == (Outcome.VACUOUS, Stage.COMPARE)


def test_an_unknown_op_is_named_with_the_keras_layer_it_came_from(shelf, judge):
    record = judge(shelf.ready("unknown", UNKNOWN, lambda x: [x]))
    assert (record.outcome, record.stage, record.op, record.layer) == (
        Outcome.UNSUPPORTED_OP,
        Stage.LOAD,
        "Foo",
        "foo",
    )
    assert "Foo" in record.stderr
    assert (record.parity, record.latency) == (None, None)


def test_a_crash_is_seen_twice_before_it_is_one(shelf, judge, tampered):
    argv = tampered("cv2.dnn.readNetFromONNX = lambda *a, **k: os.abort()")
    record = judge(shelf.ready("twice", TWICE, lambda x: [x + x]), argv)
    assert (record.outcome, record.stage, record.signal) == (Outcome.CRASH, Stage.LOAD, "SIGABRT")
    assert record.layer == "foo", "a crash names nothing, but the whole network comes from this layer"
    assert starts(shelf) == 2


def test_a_cell_that_fails_in_one_process_only_is_nondeterministic(shelf, judge, tampered):
    argv = tampered("if first: cv2.dnn.readNetFromONNX = lambda *a, **k: os.abort()")
    record = judge(shelf.ready("twice", TWICE, lambda x: [x + x]), argv)
    assert record.outcome is Outcome.NONDETERMINISTIC
    assert "first crash" in record.message
    assert "then in a fresh worker ok" in record.message
    assert starts(shelf) == 2


def test_a_worker_killed_from_outside_says_nothing_of_the_model(shelf, judge, tampered):
    kill = "if first: cv2.dnn.readNetFromONNX = lambda *a, **k: os.kill(os.getpid(), 9)"
    record = judge(shelf.ready("twice", TWICE, lambda x: [x + x]), tampered(kill))
    assert record.outcome is Outcome.OK
    assert starts(shelf) == 2


def test_a_wrong_number_in_one_process_only_is_nondeterministic(shelf, judge, tampered):
    noise = (
        "real = cv2.dnn.readNetFromONNX\n"
        "class Off:\n"
        "    def __init__(self, net): self.net = net\n"
        "    def forward(self, names): return [y + 1 for y in self.net.forward(names)]\n"
        "    def __getattr__(self, name): return getattr(self.net, name)\n"
        "if first: cv2.dnn.readNetFromONNX = lambda *a, **k: Off(real(*a, **k))"
    )
    record = judge(shelf.ready("twice", TWICE, lambda x: [x + x]), tampered(noise))
    assert record.outcome is Outcome.NONDETERMINISTIC
    assert "first mismatch" in record.message


def test_an_importer_that_is_gone_is_not_tried_twice(shelf, judge, tampered):
    record = judge(shelf.ready("twice", TWICE, lambda x: [x + x]), tampered("del cv2.dnn.readNetFromONNX"))
    assert (record.outcome, record.stage) == (Outcome.ROUTE_ABSENT, Stage.LOAD)
    assert record.message == "this OpenCV has no readNetFromONNX"
    assert starts(shelf) == 1


def test_a_load_that_never_ends_is_a_timeout(shelf, judge, tampered):
    argv = tampered("cv2.dnn.readNetFromONNX = lambda *a, **k: time.sleep(600)")
    record = judge(shelf.ready("twice", TWICE, lambda x: [x + x]), argv, load_seconds=0.2)
    assert (record.outcome, record.stage) == (Outcome.TIMEOUT, Stage.LOAD)
    assert "0.2 s" in record.message


def test_a_refused_export_is_told_in_the_tools_own_words(shelf, judge):
    for error in (ExportFailedError("tf2onnx: no Frobnicate"), ModelRejectedError("the model has no inputs")):
        nodes = [helper.make_node("Add", ["x", "x"], ["y"], name=type(error).__name__)]
        subject = shelf.file(type(error).__name__, nodes, ["x"], ["y"])
        shelf.failure("artifact", shelf.key(subject, "as-is"), error)
        record = judge(subject)
        assert (record.outcome, record.stage, record.message) == (Outcome.EXPORT_FAILED, Stage.EXPORT, str(error))
        assert record.artifact is None


def test_a_missing_reference_is_never_a_pass(shelf, judge):
    subject = shelf.ready("twice", TWICE, lambda x: [x + x])
    plan = InputPlan(kind=Kind.UNIFORM, seed=77)
    manifest = shelf.manifest(["x"], ["y"])
    key = reference_key(shelf, subject, manifest, plan)
    shelf.failure("reference", key, NoReferenceError("TensorFlow cannot run op Bar on the CPU"))
    record = judge(subject, plans=[*PROBES, plan])
    assert (record.outcome, record.stage) == (Outcome.NO_REFERENCE, Stage.REFERENCE)
    assert record.message == "TensorFlow cannot run op Bar on the CPU"


def reference_key(shelf, subject, manifest, plan) -> str:
    return shelf.key(subject, "weights", digest(expand(plan, [port.tensor for port in manifest.inputs])))


def test_an_exporter_that_is_lost_is_our_error_and_nothing_is_stored(shelf, installed, monkeypatch):
    subject = shelf.file("twice", TWICE, ["x"], ["y"])
    monkeypatch.setattr(sys, "executable", "/bin/false")
    library = Library(shelf.store, Exporter(seconds=5))
    record = Lane(library, {Seat(environment="installed"): installed}, repeats=1).judge(cell(subject))
    assert (record.outcome, record.stage) == (Outcome.HARNESS_ERROR, Stage.EXPORT)
    assert "status 1" in record.message
    assert shelf.store.get("artifact", shelf.key(subject, "as-is")) is None


def test_the_reproduce_command_says_all_that_matters(shelf, judge):
    subject = shelf.ready("with space", TWICE, lambda x: [x + x])
    odd = InputPlan(kind=Kind.RAMP, seed=5, scale=0.5)
    shelf.references(subject, shelf.manifest(["x"], ["y"]), lambda x: [x + x], [odd])
    record = judge(subject, plans=[*PROBES, odd])
    assert record.outcome is Outcome.OK
    assert record.reproduce == (
        "dnn-harness check 'with space' --route as-is --opencv installed --input ramp:seed=5:scale=0.5"
    )


def test_a_cell_after_a_crash_is_unharmed(shelf, tampered):
    good = shelf.ready("good", TWICE, lambda x: [x + x])
    bad = shelf.ready("bad", UNKNOWN, lambda x: [x])
    argv = tampered(
        "real = cv2.dnn.readNetFromONNX\n"
        "def load(path, **k):\n"
        "    if b'Foo' in open(path, 'rb').read():\n"
        f"        open({str(shelf.folder / 'crashes')!r}, 'a').write('x')\n"
        "        os.abort()\n"
        "    return real(path, **k)\n"
        "cv2.dnn.readNetFromONNX = load"
    )
    with OpenCV(argv) as worker:
        lane = Lane(Library(shelf.store, Exporter(seconds=1)), {Seat(environment="installed"): worker}, repeats=1)
        outcomes = [lane.judge(cell(subject)).outcome for subject in (good, bad, good)]
    assert outcomes == [Outcome.OK, Outcome.CRASH, Outcome.OK]


def test_half_precision_is_allowed_its_own_rounding_and_says_what_goes_unseen(shelf, installed):
    subject = shelf.ready("net", TWICE, lambda x: [x + x])
    lane = Lane(Library(shelf.store, Exporter(seconds=1)), {Seat(environment="installed"): installed}, repeats=1)
    single = lane.judge(cell(subject))
    asked = cell(subject)
    half = lane.judge(replace(asked, target=replace(asked.target, backend="opencv/opencl_fp16")))
    assert half.parity.allowed == pytest.approx(8192 * single.parity.allowed, rel=1e-3)
    assert half.outcome is Outcome.OK
    assert "half precision" in half.caveat
    assert single.caveat is None
    assert half.reproduce.endswith("--opencv installed --device OPENCV/OPENCL_FP16")


# -- the sweep over opsets --------------------------------------------------------------------------------------------

DEFAULT, *OTHERS = all_routes()["onnx"].opsets


def offered(shelf, by_opset: dict[int, Sequence]) -> Subject:
    """A model that the route `onnx` has written with other nodes at each opset; all should be twice the input."""
    subject = shelf.file("net", TWICE, ["x"], ["y"])
    for opset, nodes in by_opset.items():
        manifest = shelf.manifest(["x"], ["y"], "onnx", opset)
        model = Path(shelf.file(f"at_{opset}", nodes, ["x"], ["y"]).source.location)
        shelf.artifact(subject, model.read_bytes(), manifest, *([] if opset == DEFAULT else [f"opset {opset}"]))
    shelf.references(subject, shelf.manifest(["x"], ["y"]), lambda x: [x + x])
    return subject


def test_a_model_that_loads_at_the_default_opset_is_judged_there(shelf, judge):
    record = judge(offered(shelf, {DEFAULT: TWICE}), route="onnx")
    assert (record.outcome, record.opset) == (Outcome.OK, DEFAULT)


def test_an_opset_that_this_opencv_can_read_is_found_and_its_artifact_is_the_one_named(shelf, judge):
    subject = offered(shelf, {DEFAULT: UNKNOWN, OTHERS[0]: UNKNOWN, OTHERS[1]: TWICE})
    record = judge(subject, route="onnx")
    assert (record.outcome, record.opset, record.message, record.op) == (Outcome.OK, OTHERS[1], None, None)
    assert record.artifact == shelf.key(subject, "onnx", f"opset {OTHERS[1]}")
    assert record.parity.inputs == len(PROBES)


def test_where_no_opset_helps_the_default_s_verdict_stands(shelf, judge):
    squares = [helper.make_node("Mul", ["x", "x"], ["y"], name="square")]
    record = judge(offered(shelf, {DEFAULT: UNKNOWN} | dict.fromkeys(OTHERS, squares)), route="onnx")
    assert (record.outcome, record.op, record.layer, record.opset) == (Outcome.UNSUPPORTED_OP, "Foo", "foo", DEFAULT)
    first, last = record.message.split("\n")
    assert "Foo" in first
    assert last == f"other opsets fail as well: {', '.join(f'{opset} mismatch' for opset in OTHERS)}"


def test_an_export_that_fails_at_one_opset_only_is_no_failure(shelf, judge):
    subject = offered(shelf, {OTHERS[0]: TWICE})
    shelf.failure("artifact", shelf.key(subject, "onnx"), ExportFailedError("tf2onnx: ValueError"))
    record = judge(subject, route="onnx")
    assert (record.outcome, record.stage, record.opset) == (Outcome.OK, None, OTHERS[0])


def test_a_model_that_cannot_be_opened_is_not_tried_at_every_opset(shelf, judge):
    subject = shelf.file("net", TWICE, ["x"], ["y"])
    shelf.failure("artifact", shelf.key(subject, "onnx"), ModelRejectedError("the model has no inputs"))
    record = judge(subject, route="onnx")  # whose exporter may not start
    assert (record.outcome, record.message) == (Outcome.EXPORT_FAILED, "the model has no inputs")


def test_an_exporter_lost_in_the_sweep_leaves_the_first_verdict(shelf, installed, monkeypatch):
    subject = offered(shelf, {DEFAULT: UNKNOWN})
    monkeypatch.setattr(sys, "executable", "/bin/false")
    lane = Lane(Library(shelf.store, Exporter(seconds=5)), {Seat(environment="installed"): installed}, repeats=1)
    record = lane.judge(cell(subject, "onnx"))
    assert (record.outcome, record.op) == (Outcome.UNSUPPORTED_OP, "Foo")
    assert f"{OTHERS[0]} harness-error" in record.message


def test_the_default_is_tried_twice_the_others_once_and_a_crash_there_harms_nobody(shelf, tampered):
    subject = offered(shelf, dict.fromkeys((DEFAULT, *OTHERS), UNKNOWN))
    good = shelf.ready("good", TWICE, lambda x: [x + x])
    argv = tampered(
        "real = cv2.dnn.readNetFromONNX\n"
        "def load(path, **k):\n"
        "    if b'Foo' in open(path, 'rb').read():\n"
        f"        open({str(shelf.folder / 'crashes')!r}, 'a').write('x')\n"
        "        os.abort()\n"
        "    return real(path, **k)\n"
        "cv2.dnn.readNetFromONNX = load"
    )
    with OpenCV(argv) as worker:
        lane = Lane(Library(shelf.store, Exporter(seconds=1)), {Seat(environment="installed"): worker}, repeats=1)
        found = [lane.judge(asked) for asked in (cell(subject, "onnx"), cell(good))]
    assert [record.outcome for record in found] == [Outcome.CRASH, Outcome.OK]
    assert found[0].message.endswith(", ".join(f"{opset} crash" for opset in OTHERS))
    assert len((shelf.folder / "crashes").read_text()) == 2 + len(OTHERS)
    assert starts(shelf) == 2, "what only imports outlives the crashes"


def test_of_a_large_network_nothing_is_kept_when_its_cell_is_judged(shelf, judge, installed, monkeypatch):
    monkeypatch.setattr("harness.effects.observing._MUCH_BYTES", 1)
    record = judge(shelf.ready("twice", TWICE, lambda x: [x + x]))
    assert record.outcome is Outcome.OK
    reply, refused = installed.ask(Observation(stage=Stage.LOAD), {"do": "time", "repeats": 1})
    assert reply is None
    assert "no network is loaded" in refused.error.message
