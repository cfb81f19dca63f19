"""Running `python -m tf2onnx.convert` without its imports, which take six seconds where the conversion takes one.

A child imports TensorFlow and tf2onnx once, computes nothing, and forks for each command: every run starts from the
same fresh state, in a process of its own, as it would from a shell.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_SERVER = """
import json, os, runpy, sys
import tensorflow, tf2onnx.optimizer, tf2onnx.tf_loader, tf2onnx.tfonnx
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        words = os.open(order["words"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(words, 1)
        os.dup2(words, 2)
        sys.argv = [order["module"], *order["arguments"]]
        status = 1
        try:
            runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            import traceback
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(json.dumps({"child": child}), flush=True)
    print(json.dumps({"status": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}), flush=True)
"""


class Preloaded:
    """The child that has imported what the tool needs; started with the first command, ends with us."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None

    def run(self, module: str, arguments: Sequence[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
        """Run `python -m module arguments` and return its status and all it printed.

        Raises subprocess.TimeoutExpired after killing it, and OSError where the child cannot be had.
        """
        with tempfile.TemporaryDirectory(prefix="dnn-harness-tool-") as folder:
            words = Path(folder, "words.txt")
            server = self._started()
            order = {"module": module, "arguments": list(arguments), "words": str(words)}
            _stdin(server).write(json.dumps(order).encode() + b"\n")
            child = int(self._answer(server, seconds=None)["child"])
            try:
                status = int(self._answer(server, seconds=seconds)["status"])
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
                self._answer(server, seconds=None)
                raise subprocess.TimeoutExpired(module, seconds) from None
            printed = words.read_text(errors="replace") if words.exists() else ""
        return subprocess.CompletedProcess([module, *arguments], status, "", printed)

    def close(self) -> None:
        """End the child."""
        if self._server is not None:
            self._server.kill()
            self._server.communicate()  # waits, and closes the pipes
            self._server = None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._server is not None and self._server.poll() is not None:
            self.close()
        if self._server is None:
            pipe = subprocess.PIPE
            self._server = subprocess.Popen(
                [sys.executable, "-c", _SERVER], bufsize=0, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
            )
        return self._server

    def _answer(self, server: subprocess.Popen[bytes], *, seconds: float | None) -> dict[str, int]:
        """Return the next line. Raises TimeoutError, and OSError where the child is gone."""
        if server.stdout is None:
            raise OSError("the child was started without a pipe")
        with selectors.DefaultSelector() as selector:
            selector.register(server.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                raise TimeoutError
        line = server.stdout.readline()
        if not line:
            self.close()
            raise OSError("the child that runs converters ended; its imports may be broken")
        answer: dict[str, int] = json.loads(line)
        return answer


def _stdin(server: subprocess.Popen[bytes]) -> IO[bytes]:
    if server.stdin is None:
        raise OSError("the child was started without a pipe")
    return server.stdin
