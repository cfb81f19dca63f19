"""ONNX Runtime under OpenCV's name, spoken to through the very worker that serves OpenCV."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from harness.effects.environments import ONNX_RUNTIME, Environments
from harness.effects.launching import WORKER
from harness.effects.observing import OpenCV
from harness.pictures import BlobParameters, Picture
from harness.pure.diagnose import diagnose
from harness.records import Outcome, Stage
from tests.integration import models

X = np.linspace(-1, 1, 105, dtype=np.float32).reshape(models.INPUT_SHAPE)
STANDIN = Environments(Path("unused")).resolve(ONNX_RUNTIME).cv2_from


def worker(**options) -> OpenCV:
    return OpenCV([sys.executable, str(WORKER), "--cv2-from", str(STANDIN)], **options)


@pytest.fixture(scope="module")
def opencv():
    with worker() as client:
        yield client


def test_it_says_that_it_is_no_opencv(opencv):
    told = opencv.capabilities()
    assert opencv.identity().opencv == f"onnxruntime-{onnxruntime.__version__}"
    assert (told["importers"], told["engines"], told["threads"]) == (["onnx"], ["ORT"], 1)
    assert told["backends"] == {"OPENCV": ["CPU"]}


def test_it_computes_what_the_graph_says_in_kerass_layout(opencv, tmp_path):
    model = models.pointwise(tmp_path / "model.onnx")
    seen = opencv.observe(models.manifest(), model, [[X], [X / 2]], timing_repeats=3)
    for x, outputs in zip((X, X / 2), seen.outputs, strict=True):
        np.testing.assert_allclose(outputs[0], models.pointwise_expected(x), atol=1e-6)
    assert (seen.observation.error, seen.observation.engine_used) == (None, "ort")
    assert len(seen.observation.forward_ms) == 3


def test_inputs_and_outputs_go_by_name(opencv, tmp_path):
    model = models.two_in_two_out(tmp_path / "model.onnx")
    manifest = models.manifest(inputs=("b", "a"), outputs=("product", "total"))
    (product, total) = opencv.observe(manifest, model, [[X + 3, X]]).outputs[0]
    np.testing.assert_allclose(product, X * (X + 3), rtol=1e-6)
    np.testing.assert_allclose(total, X + X + 3, rtol=1e-6)


def test_another_format_is_a_route_it_does_not_have(opencv, tmp_path):
    failure = diagnose(opencv.observe(models.manifest(form="pb"), tmp_path / "model.pb", [[X]]).observation)
    assert failure is not None
    assert failure.outcome is Outcome.ROUTE_ABSENT


def test_an_op_it_does_not_know_is_named_with_its_node(opencv, tmp_path):
    failure = diagnose(opencv.observe(models.manifest(), models.unknown_op(tmp_path / "m.onnx"), [[X]]).observation)
    assert failure is not None
    assert (failure.outcome, failure.stage) == (Outcome.UNSUPPORTED_OP, Stage.LOAD)
    assert (failure.op, failure.node) == ("Frobnicate", "f0")


def test_a_tensor_of_the_wrong_shape_is_a_runtime_error(opencv, tmp_path):
    model = models.pointwise(tmp_path / "model.onnx")
    failure = diagnose(opencv.observe(models.manifest(), model, [[X[:, :4]]]).observation)
    assert failure is not None
    assert (failure.outcome, failure.stage) == (Outcome.RUNTIME_ERROR, Stage.FORWARD)
    assert "invalid dimensions" in failure.message


def test_an_engine_of_opencv_s_is_absent(tmp_path):
    with worker(engine="CLASSIC") as client:
        failure = diagnose(client.observe(models.manifest(), models.pointwise(tmp_path / "m.onnx"), [[X]]).observation)
    assert failure is not None
    assert failure.outcome is Outcome.ROUTE_ABSENT


def test_a_picture_becomes_the_blob_that_opencv_makes(opencv, tmp_path):
    copy = [helper.make_node("Identity", ["x"], ["y"], name="copy")]
    model = models.save(tmp_path / "model.onnx", copy, {"x": (1, 3, 5, 7)}, {"y": (1, 3, 5, 7)})
    pixels = np.random.default_rng(3).integers(0, 256, (5, 7, 3), np.uint8)
    picture = Picture(
        name="noise",
        image=pixels,
        blob=BlobParameters(scale=1 / 127.5, mean=(120.0, 110.5, 100.0), swap_rb=True),
        keras_input=X,
    )
    with OpenCV() as real:
        expected = real.observe(models.manifest(), model, [[picture]]).outputs[0][0]
    np.testing.assert_allclose(opencv.observe(models.manifest(), model, [[picture]]).outputs[0][0], expected, atol=1e-6)
