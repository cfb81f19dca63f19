"""The worker with the OpenCV that is installed: what it says of itself, of loading, of running."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.effects.launching import WORKER
from harness.effects.network_run import OUTPUT_NOT_FOUND
from harness.effects.observing import OpenCV
from harness.effects.process import Child
from harness.errors import HarnessError
from harness.manifests import Layout
from harness.pictures import BlobParameters, Picture
from harness.records import Stage
from tests.integration import models

X = np.linspace(-1, 1, 105, dtype=np.float32).reshape(models.INPUT_SHAPE)


@pytest.fixture(scope="module")
def opencv():
    with OpenCV() as client:
        yield client


@pytest.fixture
def pointwise(tmp_path):
    return models.pointwise(tmp_path / "model.onnx")


def has_engines(opencv: OpenCV) -> bool:
    return bool(opencv.capabilities()["engines"])


def test_identity_is_what_the_interpreter_itself_says(opencv):
    script = "import cv2, numpy, platform; print(cv2.__version__, numpy.__version__, platform.python_version())"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    target = opencv.identity()
    assert [target.opencv, target.numpy, target.python] == said
    assert (target.backend, target.engine_asked) == ("opencv/cpu", "default")


def test_capabilities_name_importers_and_backends(opencv):
    told = opencv.capabilities()
    assert "onnx" in told["importers"]
    assert "CPU" in told["backends"]["OPENCV"]
    assert told["threads"] == 1


def test_outputs_come_back_in_keras_layout_with_opencvs_own_shapes_noted(opencv, pointwise):
    seen = opencv.observe(models.manifest(), pointwise, [[X], [X / 2]], timing_repeats=3)
    for x, outputs in zip((X, X / 2), seen.outputs, strict=True):
        np.testing.assert_allclose(outputs[0], models.pointwise_expected(x), atol=1e-6)
    observation = seen.observation
    assert (observation.stage, observation.error, seen.failed_feed) == (Stage.FORWARD, None, None)
    assert observation.output_names == ("y",)
    assert observation.output_shapes == ((1, 3, 5, 7),)
    assert len(observation.forward_ms) == 3
    assert observation.load_ms is not None
    assert observation.load_ms > 0
    assert observation.peak_rss_bytes is not None
    assert 20 << 20 < observation.peak_rss_bytes < 500 << 20
    assert observation.engine_used == ("new" if has_engines(opencv) else "classic")


def test_inputs_and_outputs_are_matched_by_name_in_any_order(opencv, tmp_path):
    model = models.two_in_two_out(tmp_path / "model.onnx")
    manifest = models.manifest(inputs=("b", "a"), outputs=("product", "total"))
    (product, total) = opencv.observe(manifest, model, [[X + 3, X]]).outputs[0]
    np.testing.assert_allclose(product, X * (X + 3), rtol=1e-6)
    np.testing.assert_allclose(total, X + X + 3, rtol=1e-6)


def test_an_output_that_is_not_there_is_said_and_not_guessed(opencv, pointwise):
    seen = opencv.observe(models.manifest(outputs=("z",)), pointwise, [[X]])
    assert seen.outputs == ()
    assert seen.observation.error is not None
    assert seen.observation.error.kind == OUTPUT_NOT_FOUND
    assert seen.observation.error.message == "no output is named z; the network offers y"
    assert seen.observation.stage is Stage.LOAD


def test_an_input_that_is_not_there_is_opencvs_own_error(opencv, pointwise):
    seen = opencv.observe(models.manifest(inputs=("q",)), pointwise, [[X]])
    assert seen.observation.error is not None
    assert seen.observation.error.kind == "cv2.error"
    assert seen.observation.error.code == -204
    assert seen.observation.error.func
    assert (seen.observation.stage, seen.failed_feed) == (Stage.FORWARD, 0)


def test_the_feed_that_fails_is_named_and_those_before_it_are_kept(opencv, pointwise):
    refused = X > 0  # no release takes bool for a float input
    seen = opencv.observe(models.manifest(), pointwise, [[X], [refused], [X]])
    assert (len(seen.outputs), seen.failed_feed) == (1, 1)
    assert seen.observation.error is not None
    assert "[input 2 of 3]" in seen.observation.error.message


def test_an_unknown_op_is_an_empty_net_or_an_error_and_stderr_names_it(opencv, tmp_path):
    model = models.unknown_op(tmp_path / "model.onnx")
    by_default = opencv.observe(models.manifest(), model, [[X]]).observation
    assert by_default.stage is Stage.LOAD
    assert "Frobnicate" in by_default.stderr
    assert by_default.error is not None
    if has_engines(opencv):
        with OpenCV(engine="NEW") as new:
            silent = new.observe(models.manifest(), model, [[X]]).observation
        assert (silent.empty_net, silent.error, silent.stage) == (True, None, Stage.LOAD)
        assert "Frobnicate" in silent.stderr


def test_the_engine_asked_for_is_the_engine_used(pointwise):
    with OpenCV(engine="CLASSIC") as classic:
        seen = classic.observe(models.manifest(), pointwise, [[X]])
        assert classic.identity().engine_asked == "CLASSIC"
    assert seen.observation.engine_used == "classic"
    np.testing.assert_allclose(seen.outputs[0][0], models.pointwise_expected(X), atol=1e-6)


@pytest.mark.parametrize("engine", ["NEW", "OPENCV"])
def test_both_names_of_the_new_engine_are_one(engine, opencv, pointwise):
    with OpenCV(engine=engine) as new:
        seen = new.observe(models.manifest(), pointwise, [[X]]).observation
    if has_engines(opencv):
        assert seen.engine_used == "new"
    else:
        assert seen.error is not None
        assert seen.error.kind == "EngineAbsent"


def test_an_engine_that_nobody_has_is_an_error_that_lists_those_there_are(pointwise):
    with OpenCV(engine="WARP") as warp:
        seen = warp.observe(models.manifest(), pointwise, [[X]]).observation
    assert seen.error is not None
    assert seen.error.kind == "EngineAbsent"
    assert "WARP" in seen.error.message


def test_a_forced_engine_of_the_host_does_not_reach_the_worker(monkeypatch, opencv, pointwise):
    monkeypatch.setenv("OPENCV_FORCE_DNN_ENGINE", "1")
    with OpenCV() as free:
        used = free.observe(models.manifest(), pointwise, [[X]]).observation.engine_used
    assert used == ("new" if has_engines(opencv) else "classic")


@pytest.mark.parametrize("engine", ["default", "CLASSIC"])
def test_a_model_that_is_sent_obeys_the_engine_like_one_given_by_path(engine, pointwise):
    """OpenCV 5.0 ignores the engine for buffers in memory, so the worker may not pass bytes on."""
    with OpenCV(engine=engine) as local, OpenCV(engine=engine, elsewhere=True) as remote:
        here = local.observe(models.manifest(), pointwise, [[X]])
        there = remote.observe(models.manifest(), pointwise, [[X]])
    assert there.observation.error is None
    assert here.observation.engine_used == there.observation.engine_used
    np.testing.assert_array_equal(here.outputs[0][0], there.outputs[0][0])


def test_a_missing_file_and_a_truncated_one_are_errors_of_loading(opencv, pointwise):
    cut = pointwise.with_name("cut.onnx")
    cut.write_bytes(pointwise.read_bytes()[:40])
    for path in (cut, pointwise.with_name("missing.onnx")):
        seen = opencv.observe(models.manifest(), path, [[X]]).observation
        assert seen.stage is Stage.LOAD
        assert seen.error is not None


def test_an_importer_that_is_absent_is_not_the_models_fault(tmp_path, pointwise):
    without = tmp_path / "without.py"
    lines = ["import runpy, sys, cv2", "del cv2.dnn.readNetFromONNX", f"sys.argv[0] = {str(WORKER)!r}"]
    without.write_text("\n".join([*lines, "runpy.run_path(sys.argv[0], run_name='__main__')"]))
    with OpenCV([sys.executable, str(without)]) as poorer:
        seen = poorer.observe(models.manifest(), pointwise, [[X]]).observation
        assert "onnx" not in poorer.capabilities()["importers"]
    assert (seen.importer_absent, seen.error, seen.stage) == ("readNetFromONNX", None, Stage.LOAD)


@pytest.mark.parametrize("layout", list(Layout))
def test_a_picture_is_made_into_a_blob_by_opencv(layout, opencv, tmp_path):
    """Against plain numpy: (pixels - mean) * scale with the channels swapped, in the layout that the port wants."""
    model, pixels = tmp_path / "model.onnx", np.arange(105, dtype=np.uint8).reshape(5, 7, 3)
    if layout is Layout.NCHW:
        models.pointwise(model)
    else:
        nodes = [models.helper.make_node("Add", ["x", "x"], ["y"], name="twice")]
        models.save(model, nodes, {"x": models.INPUT_SHAPE}, {"y": models.INPUT_SHAPE})
    blob = BlobParameters(scale=0.5, mean=(1.0, 2.0, 3.0), swap_rb=True)
    keras = np.zeros((1, *pixels.shape), np.float32)  # not looked at here
    picture = Picture(name="random", image=pixels, blob=blob, keras_input=keras)
    seen = opencv.observe(models.manifest(layout=layout), model, [[picture]])
    x = ((pixels[..., ::-1] - np.array([1.0, 2.0, 3.0])) * 0.5)[np.newaxis].astype(np.float32)
    expected = models.pointwise_expected(x) if layout is Layout.NCHW else x * 2
    np.testing.assert_allclose(seen.outputs[0][0], expected, atol=1e-5)


def test_a_feed_of_the_wrong_length_is_the_callers_mistake(opencv, pointwise):
    with pytest.raises(HarnessError, match="2 values but the model has 1"):
        opencv.observe(models.manifest(), pointwise, [[X, X]])


def test_errors_never_end_the_worker(opencv):
    opencv.identity()
    worker = opencv.pid
    opencv.observe(models.manifest(), Path("/no/such/model.onnx"), [[X]])
    assert opencv.pid == worker


def test_a_closed_worker_is_started_again_when_it_is_needed(opencv):
    opencv.identity()
    worker = opencv.pid
    opencv.close()
    assert opencv.pid is None
    opencv.identity()
    assert opencv.pid != worker


def test_requests_out_of_order_or_unheard_of_are_answered_by_errors():
    with Child([sys.executable, str(WORKER)], name="the worker") as worker:
        for request, complaint in (
            ({"do": "forward", "inputs": []}, "no network is loaded"),
            ({"do": "time", "repeats": 1}, "no network is loaded"),
            ({"do": "dance"}, "no request 'dance'"),
            ({}, "no request None"),
            ({"do": "load", "format": "caffe", "path": "x"}, "caffe"),
            ({"do": "forward", "inputs": ["x", "y"]}, "2 inputs are named but 0 tensors"),
        ):
            reply = worker.request(request, deadline_seconds=30)
            assert complaint in reply.header["error"]["message"]


def test_the_worker_needs_no_file_of_its_own():
    """It can be handed to any interpreter as text, which is how it reaches a machine that has no copy of it."""
    text = WORKER.read_bytes()
    hears = "import sys; exec(compile(sys.stdin.buffer.read(int(sys.argv.pop(1))), 'worker', 'exec'))"
    process = subprocess.run(
        [sys.executable, "-c", hears, str(len(text)), "--threads", "1"],
        input=text + b'{"do": "hello", "sizes": []}\n',
        capture_output=True,
        check=True,
    )
    assert b'"opencv"' in process.stdout


def test_modules_beside_the_worker_do_not_shadow_its_own(tmp_path):
    copy = tmp_path / "worker.py"
    copy.write_bytes(WORKER.read_bytes())
    (tmp_path / "numpy.py").write_text("raise RuntimeError('shadowed')")
    with OpenCV([sys.executable, str(copy)]) as opencv:
        assert opencv.identity().numpy == np.__version__


def test_a_dtype_that_opencv_refuses_is_reported_and_not_cast(opencv, pointwise):
    seen = opencv.observe(models.manifest(), pointwise, [[X > 0]]).observation
    assert seen.stage is Stage.FORWARD
    assert seen.error is not None
    assert (seen.error.kind, seen.error.code) == ("cv2.error", -5)
