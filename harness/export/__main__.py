"""Start the exporter child: claim the protocol's stream, quieten TensorFlow, then serve requests until EOF.

Runs as a program only. Frames are single JSON lines; bulk data goes through files that a request names.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import sys
import time
from typing import IO, Any

from harness.errors import HarnessError

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Serve requests from stdin until EOF; replies go to what was stdout when the process started."""
    arguments = _arguments()
    replies = _claim_stdout()
    _die_with_parent()
    _configure_environment(arguments.threads)
    handle = None
    for line in sys.stdin.buffer:
        if handle is None:  # TensorFlow costs seconds: it is imported when the first request needs it
            handle = _start(arguments.threads)
        _reply(replies, _answer(handle, line))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m harness.export", description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="threads of TensorFlow's own pools")
    return parser.parse_args()


def _claim_stdout() -> IO[bytes]:
    """Keep fd 1 for the protocol and send everybody else's prints to stderr: converters print."""
    private = os.dup(1)
    os.set_inheritable(private, False)
    os.dup2(2, 1)
    return os.fdopen(private, "wb", buffering=0)


def _die_with_parent() -> None:
    """Ask Linux to kill this process with its host: an export may run for minutes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _configure_environment(threads: int) -> None:
    """Set what TensorFlow and Keras read once, at import."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its blocked kernels round differently by machine
    os.environ["OMP_NUM_THREADS"] = str(threads)


def _start(threads: int) -> Any:
    # Keras imports cv2 by itself where it finds one (keras.src.visualization); OpenCV stays out of this process.
    sys.modules["cv2"] = None  # type: ignore[assignment]
    from harness.export.serving import Exporter

    return Exporter(threads=threads)


def _answer(exporter: Any, line: bytes) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        result = exporter.handle(json.loads(line))
    except HarnessError as error:
        return {"ok": False, "error": type(error).__name__, "message": str(error)}
    except Exception as error:  # a defect of ours or of a library; the host must not take it for a fact of the model
        return {"ok": False, "error": type(error).__name__, "message": str(error)}
    return {"ok": True, "result": result, "seconds": time.perf_counter() - began, "worn": exporter.worn}


def _reply(stream: IO[bytes], reply: dict[str, Any]) -> None:
    text = json.dumps({"sizes": [], **reply}, ensure_ascii=True, allow_nan=False)
    stream.write(text.encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
