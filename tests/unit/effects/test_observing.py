from __future__ import annotations

import sys

import numpy as np
import pytest

from harness.effects.launching import WORKER, environment
from harness.effects.observing import OpenCV
from harness.errors import EnvironmentFailedError
from harness.pure.diagnose import diagnose
from harness.records import Outcome
from tests.integration import models

FEED = [[np.zeros(models.INPUT_SHAPE, np.float32)]]
HALF = "cv2.dnn.getAvailableTargets = lambda backend: [cv2.dnn.DNN_TARGET_CPU, cv2.dnn.DNN_TARGET_CPU_FP16]"
"""As an ARM processor says: what OpenCV would do on others is to warn and compute in float32 all the same."""


def test_a_worker_inherits_nothing_that_changes_what_it_runs():
    inherited = {"OPENCV_FORCE_DNN_ENGINE": "1", "PYTHONPATH": "/elsewhere", "PYTHONHOME": "/usr", "HOME": "/h"}
    assert environment(inherited) == {"HOME": "/h"}


def test_the_inherited_environment_reaches_the_worker_without_them(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    shows = "import os, sys; sys.exit('PYTHONPATH' if 'PYTHONPATH' in os.environ else 'clean')"
    with OpenCV([sys.executable, "-c", shows]) as opencv, pytest.raises(EnvironmentFailedError, match="clean"):
        opencv.identity()


def test_a_command_that_does_not_exist_is_the_users_error():
    with OpenCV(["/no/such/python"]) as opencv, pytest.raises(EnvironmentFailedError, match="/no/such/python"):
        opencv.identity()


def test_an_interpreter_without_cv2_is_named_with_the_reason(tmp_path):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')  # -S: no site-packages, hence no cv2
    bare.chmod(0o755)
    with (
        OpenCV([str(bare), str(WORKER)]) as opencv,
        pytest.raises(EnvironmentFailedError, match="No module named 'cv2'"),
    ):
        opencv.identity()


def test_a_program_that_is_no_worker_is_named_with_what_it_said():
    talks = "print('Welcome to the board', flush=True); import time; time.sleep(600)"
    with OpenCV([sys.executable, "-c", talks]) as opencv, pytest.raises(EnvironmentFailedError, match="Welcome"):
        opencv.identity()


# -- devices ----------------------------------------------------------------------------------------------------------


def test_a_device_that_is_not_there_is_the_users_error_and_names_those_that_are():
    with (
        OpenCV(backend="CUDA", target="CUDA_FP16") as opencv,
        pytest.raises(EnvironmentFailedError, match=r"cannot compute on CUDA/CUDA_FP16 here; it has .*OPENCV/CPU"),
    ):
        opencv.identity()


def test_a_worker_never_computes_on_another_device_than_it_was_asked_for(tmp_path):
    with OpenCV(target="CUDA") as opencv:  # nobody asked who it is
        seen = opencv.observe(models.manifest(), models.pointwise(tmp_path / "model.onnx"), FEED)
    failure = diagnose(seen.observation)
    assert seen.outputs == ()
    assert (seen.observation.error.kind, failure.outcome) == ("DeviceAbsent", Outcome.ROUTE_ABSENT)
    assert "OPENCV/CUDA is not available" in failure.message


def test_the_new_engine_ignores_devices_so_it_may_not_be_asked_for_one(tmp_path, tampered):
    with OpenCV(tampered(HALF), target="CPU_FP16", engine="NEW") as opencv:
        assert opencv.identity().backend == "opencv/cpu_fp16"
        seen = opencv.observe(models.manifest(), models.pointwise(tmp_path / "model.onnx"), FEED)
    assert (seen.outputs, seen.observation.error.kind) == ((), "DeviceAbsent")
    assert "needs engine CLASSIC" in seen.observation.error.message


def test_a_device_that_is_there_is_handed_to_opencv(tmp_path, tampered):
    notes = tmp_path / "notes"
    code = f"""{HALF}
known = {{cv2.dnn.DNN_BACKEND_OPENCV: 'OPENCV', cv2.dnn.DNN_TARGET_CPU_FP16: 'CPU_FP16'}}
def note(net, number): open({str(notes)!r}, 'a').write(known.get(number, 'another') + ' ')
cv2.dnn.Net.setPreferableBackend = cv2.dnn.Net.setPreferableTarget = note"""
    with OpenCV(tampered(code), target="CPU_FP16", engine="CLASSIC") as opencv:
        seen = opencv.observe(models.manifest(), models.pointwise(tmp_path / "model.onnx"), FEED)
    assert (len(seen.outputs), seen.observation.error) == (1, None)
    assert notes.read_text().split() == ["OPENCV", "CPU_FP16"]
