"""Serve requests for planted faults from stdin until EOF. Runs as a program only; frames are single JSON lines."""

from __future__ import annotations

import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from harness.encoding import from_data
from harness.errors import HarnessError
from harness.export.faults import planting
from harness.sources import Source


def main() -> int:
    """Answer requests; replies go to what was stdout when the process started."""
    private = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(private, "wb", buffering=0) as replies:
        for line in sys.stdin.buffer:
            text = json.dumps({"sizes": [], **_answer(json.loads(line))}, ensure_ascii=True, allow_nan=False)
            replies.write(text.encode() + b"\n")
    return 0


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"ok": True, "result": _REQUESTS[request["do"]](request)}
    except HarnessError as error:
        return {"ok": False, "error": type(error).__name__, "message": str(error)}
    except Exception as error:  # a defect of ours or of onnx: the host must hear it, and not as a fact of the model
        return {"ok": False, "error": type(error).__name__, "message": str(error)}


def _plant(request: dict[str, Any]) -> str | None:
    return planting.plant_file(Path(request["model"]), Path(request["out"]), request["kind"], request["seed"])


def _plant_in_keras(request: dict[str, Any]) -> str | None:
    _start_tensorflow()
    from harness.export.faults import keras_faults

    source = from_data(request["source"], Source)
    return keras_faults.plant(source, request["opset"], request["kind"], Path(request["out"]))


@cache
def _start_tensorflow() -> None:
    sys.modules["cv2"] = None  # type: ignore[assignment]  # Keras imports it where it finds one; it stays out of here
    from harness.export.serving import Exporter

    Exporter(threads=1)  # quietens it, and has it compute as for every other artifact


_REQUESTS = {"plant": _plant, "plant-in-keras": _plant_in_keras}

if __name__ == "__main__":
    sys.exit(main())
