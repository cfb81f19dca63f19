from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.effects.network_run import OUTPUT_NOT_FOUND
from harness.effects.observing import PROTOCOL
from harness.encoding import from_data
from harness.observations import CvError, Observation
from harness.pure.diagnose import Failure, diagnose, keras_layer, plain_name, unconverted_op
from harness.records import Outcome, Stage

SAMPLES = json.loads(Path(__file__).parents[1].joinpath("data").joinpath("cv_errors.json").read_text())["samples"]


def sample_id(sample: dict) -> str:
    return f"{sample['release']}-{sample['engine']}-{sample['model']}"


def found(seen: Observation) -> Failure:
    failure = diagnose(seen)
    assert failure is not None
    return failure


def sample(release: str, engine: str, model: str) -> Observation:
    (entry,) = [s for s in SAMPLES if (s["release"], s["engine"], s["model"]) == (release, engine, model)]
    return from_data(entry["observation"], Observation)


@pytest.mark.parametrize("sample", SAMPLES, ids=sample_id)
def test_a_real_observation_is_diagnosed(sample):
    expected = sample["expected"]
    failure = diagnose(from_data(sample["observation"], Observation))
    if expected["outcome"] is None:
        assert failure is None
        return
    assert failure is not None
    words = ("outcome", "stage", "op", "node")
    assert {word: getattr(failure, word) for word in words} == {word: expected.get(word) for word in words}
    assert failure.message


def test_the_samples_cover_every_ending_and_release():
    outcomes = {sample["expected"]["outcome"] for sample in SAMPLES}
    assert outcomes >= {"unsupported-op", "import-error", "runtime-error", "crash", "timeout", "out-of-memory"}
    assert outcomes >= {"route-absent", None}
    assert {sample["release"] for sample in SAMPLES} >= {"4.5.5", "4.8.1", "4.14.0", "5.0.0"}


def test_no_message_carries_the_wrapping_of_the_importer():
    for entry in SAMPLES:
        failure = diagnose(from_data(entry["observation"], Observation))
        if failure is not None:
            assert "parse error" not in failure.message, sample_id(entry)
            assert not failure.message.startswith(">"), sample_id(entry)
            assert failure.message == failure.message.strip(), sample_id(entry)


def test_the_diagnosis_does_not_hang_on_opencvs_source_lines():
    """Releases move their code: other files and lines must give the same diagnosis."""
    for entry in SAMPLES:
        seen = from_data(entry["observation"], Observation)
        told = {**entry["observation"], "error": {**entry["observation"].get("error", {}), "file": "x.cpp", "line": 1}}
        if seen.error is not None:
            assert diagnose(from_data(told, Observation)) == diagnose(seen)


def test_what_an_abandoned_engine_complained_of_is_not_blamed():
    """5.0.0 tried the new engine, which named `Greater`; the classic one then failed at another node."""
    seen = sample("5.0.0", "AUTO", "tf_where.pb")
    assert "node='Greater'" in seen.stderr
    assert found(seen).node == "w/Where"


def test_what_an_importer_printed_is_not_blamed_for_a_forward_pass():
    load = "DNN/TF: Can't parse layer for node='Greater' of type='Greater'. Exception: ..."
    error = CvError(kind="cv2.error", message="...", err="total(os) > 0", code=-215, func="create")
    seen = Observation(stage=Stage.FORWARD, error=error, stderr=load)
    assert (found(seen).outcome, found(seen).node) == (Outcome.RUNTIME_ERROR, None)
    assert found(seen).message == "Assertion failed: total(os) > 0 in create"
    shapes = "[ERROR:0] OPENCV/DNN: [Convolution]:(net/conv): getMemoryShapes() throws exception. inputs=1"
    told = Observation(stage=Stage.FORWARD, error=error, stderr=f"{load}\n{shapes}")
    assert (found(told).op, found(told).node) == ("Convolution", "net/conv")
    at_load = Observation(stage=Stage.LOAD, error=error, stderr=load)
    assert (found(at_load).op, found(at_load).node) == ("Greater", "Greater")


def test_an_output_that_is_not_found_blames_no_node():
    stderr = "DNN/TF: Can't parse layer for node='Greater' of type='Greater'. Exception: ..."
    error = CvError(kind=OUTPUT_NOT_FOUND, message="no output is named y; the network offers z")
    failure = found(Observation(stage=Stage.LOAD, error=error, stderr=stderr))
    assert (failure.outcome, failure.op, failure.node) == (Outcome.IMPORT_ERROR, None, None)


def test_all_ops_that_the_new_engine_does_not_know_are_listed():
    stderr = "Trying the older parser.  Unsupported operations:\n\tErfinv\n\tFoo\n\n"
    failure = found(Observation(stage=Stage.LOAD, empty_net=True, stderr=stderr))
    assert failure.message.endswith("unsupported: Erfinv, Foo")
    assert failure.op == "Erfinv"


def test_an_empty_net_without_a_word_is_an_import_error():
    failure = found(Observation(stage=Stage.LOAD, empty_net=True))
    assert (failure.outcome, failure.op) == (Outcome.IMPORT_ERROR, None)


@pytest.mark.parametrize(
    "last_words",
    ["terminate called after throwing an instance of 'std::bad_alloc'", "OpenCV: Insufficient memory", "MemoryError"],
)
def test_an_abort_for_want_of_memory_is_no_crash(last_words):
    seen = Observation(stage=Stage.FORWARD, signal="SIGABRT", stderr=f"warning\n{last_words}\n")
    expected = Outcome.CRASH if last_words == "MemoryError" else Outcome.OUT_OF_MEMORY
    assert found(seen).outcome is expected


def test_a_memory_error_of_python_is_out_of_memory():
    error = CvError(kind="MemoryError", message="Unable to allocate 3. GiB for an array")
    assert found(Observation(stage=Stage.FORWARD, error=error)).outcome is Outcome.OUT_OF_MEMORY


def test_a_crash_is_never_unsupported_even_when_an_op_was_named_before():
    stderr = "DNN/TF: Can't parse layer for node='a' of type='Foo'. Exception: Can't create layer a with type Foo\n"
    failure = found(Observation(stage=Stage.LOAD, signal="SIGSEGV", stderr=stderr))
    assert (failure.outcome, failure.signal) == (Outcome.CRASH, "SIGSEGV")
    assert "Can't create layer" in failure.message


def test_an_exit_status_is_a_crash_with_the_last_words():
    failure = found(Observation(stage=Stage.FORWARD, exit_status=3, stderr="first\nlast\n\n"))
    assert failure.outcome is Outcome.CRASH
    assert failure.message == "the process exited with status 3 during forward; its last words: last"


def test_a_deadline_counts_more_than_the_signal_that_ended_it():
    seen = Observation(stage=Stage.LOAD, timed_out_after=60.0, signal="SIGKILL")
    assert found(seen).outcome is Outcome.TIMEOUT


def test_an_answer_that_is_no_frame_says_nothing_of_the_model():
    error = CvError(kind=PROTOCOL, message="answered b'hi'")
    assert found(Observation(stage=Stage.FORWARD, error=error)).outcome is Outcome.HARNESS_ERROR


def test_a_forward_that_went_through_is_no_failure():
    assert diagnose(Observation(stage=Stage.FORWARD, stderr="[ WARN:0] something")) is None


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("onnx_node!block1/conv/Conv2D:0", "block1/conv/Conv2D"),
        ("onnx_node_output_12!head", "head"),
        ("onnx_node_output_0!onnx_node!head:3", "head"),
        ("sequential/dense/MatMul", "sequential/dense/MatMul"),
        ("not_onnx_node!x", "not_onnx_node!x"),
        ("", ""),
    ],
)
def test_names_lose_what_releases_put_around_them(name, plain):
    assert plain_name(name) == plain


LAYERS = {"net/conv/Conv2D": "conv", "net/conv": "outer", "net/dense/MatMul": "dense"}


@pytest.mark.parametrize(
    ("node", "layer"),
    [
        ("net/conv/Conv2D", "conv"),
        ("onnx_node!net/conv/Conv2D:0", "conv"),
        ("net/dense/MatMul/nhwc", "dense"),
        ("net/conv/BiasAdd", "outer"),
        ("net/other/MatMul", None),
        ("net/dense/MatMulX", None),
        ("MatMul", None),
        (None, None),
    ],
)
def test_a_node_is_joined_to_a_layer_by_whole_parts_of_its_name_only(node, layer):
    assert keras_layer(node, LAYERS) == layer


@pytest.mark.parametrize(
    ("message", "op"),
    [
        ("tf2onnx has no conversion for BesselI0, Erfinv and left them in the graph", "BesselI0"),
        ("TFLiteConverter: ConverterError: 'tf.Erfinv' op is neither a custom op nor a flex op", "Erfinv"),
        (
            "error: 'tfl.batch_matmul' op failed to verify that lhs and rhs must have rank in [2, 5]",
            "batch_matmul",
        ),
        ("the ONNX model is not valid", None),
    ],
)
def test_the_op_that_a_converter_does_not_know_is_named(message, op):
    assert unconverted_op(message) == op
