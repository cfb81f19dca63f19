from __future__ import annotations

import subprocess
import sys

from harness.effects.launching import WORKER, environment, program, reading_program


def test_the_worker_as_text_is_one_line_of_ascii_that_an_interpreter_takes_whole():
    text = program(["--threads", "1"])
    assert text.isascii()
    assert text.count(b"\n") == 1
    done = subprocess.run(
        reading_program([sys.executable, "-"]), input=text, capture_output=True, check=False, timeout=60
    )
    assert done.stdout.startswith(b'{"sizes": []}'), done.stderr
    assert done.returncode == 0, "the end of its input is the end of a worker"


def test_a_command_keeps_its_words_but_for_the_last():
    assert reading_program(["ssh", "board", "python3", "-"]) == ["ssh", "board", "python3", "-i", "-q", "-"]


def test_a_worker_hears_nothing_that_changes_its_engine_or_its_modules():
    given = {"OPENCV_FORCE_DNN_ENGINE": "1", "PYTHONPATH": "/x", "HOME": "/root"}
    assert environment(given) == {"HOME": "/root"}
    assert WORKER.is_file()
