from __future__ import annotations

import sys

import pytest

from harness.errors import EnvironmentFailedError
from harness.observing import WORKER, OpenCV, environment


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
