"""Serve requests for TensorFlow's times from stdin until EOF. Runs as a program only; frames are single JSON lines."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from harness.encoding import from_data
from harness.errors import HarnessError
from harness.export.timing.running import Timed, start
from harness.sources import Source


class Program:
    """Holds the one network that is timed."""

    def __init__(self, threads: int) -> None:
        self._version = start(threads)
        self._timed: Timed | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request. Raises whatever TensorFlow raises."""
        if request["do"] == "open":
            if self._timed is not None:
                self._timed.close()
            self._timed = None  # where the next one cannot be opened, the last one must not answer for it
            self._timed = Timed(from_data(request["source"], Source), Path(request["feed"]))
            return {"version": self._version + self._timed.how, "weights_digest": self._timed.weights_digest}
        if self._timed is None:
            raise HarnessError("no network is open; the last one could not be opened or was never asked for")
        if request["do"] == "time":
            return {"forward_ms": self._timed.times(request["repeats"], request["seconds"])}
        return {"layers": self._timed.layers(request["seconds"])}


def main() -> int:
    """Answer requests; replies go to what was stdout when the process started."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    private = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(private, "wb", buffering=0) as replies:
        program = Program(parser.parse_args().threads)
        for line in sys.stdin.buffer:
            text = json.dumps({"sizes": [], **_answer(program, json.loads(line))}, ensure_ascii=True, allow_nan=False)
            replies.write(text.encode() + b"\n")
    return 0


def _answer(program: Program, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"ok": True, "result": program.answer(request)}
    except Exception as error:  # a model may do anything, and times that cannot be had cost no verdict
        return {"ok": False, "error": type(error).__name__, "message": str(error)[:2000]}


if __name__ == "__main__":
    sys.exit(main())
