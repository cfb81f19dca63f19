"""Detect the faces in a photograph with the `mtcnn` package, by TensorFlow and by OpenCV in its place.

Runs as a program, under TensorFlow; OpenCV stays in its worker process. The detector's own code (pyramid, boxes,
suppression) is left alone: only each stage's network is replaced by one that exports itself for the shape it is
called with and forwards through OpenCV. Prints one JSON object:
`{"opencv": version, "float32": rows, "float64": rows, "routes": {"route/engine": {"rows": rows} or {"failed": why}}}`;
a row is batch index, x1, y1, width, height, confidence, five landmark x, five landmark y, in pixels.

Usage: mtcnn_detection.py [--python INTERPRETER_WITH_CV2] ROUTE...
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.effects.launching import WORKER
from harness.effects.observing import OpenCV
from harness.encoding import from_data, to_data
from harness.errors import HarnessError
from harness.export.serving import Exporter
from harness.manifests import Manifest
from harness.sources import Source, SourceKind
from model_zoo.architectures.mtcnn import astronaut

HEIGHT, WIDTH = 352, 448
"""The photograph's upper part: unequal, so that exchanged axes cannot go unseen."""


class Artifacts:
    """Exports a network once for each route and input shape."""

    def __init__(self, exporter: Exporter, folder: Path) -> None:
        self._exporter = exporter
        self._folder = folder
        self._made: dict[tuple[str, str, tuple[int, ...]], tuple[Manifest, Path]] = {}

    def get(self, network: str, route: str, shape: tuple[int, ...]) -> tuple[Manifest, Path]:
        """Return the manifest and the model file."""
        if (network, route, shape) not in self._made:
            location = f"architectures/mtcnn_{network}"
            source = Source(kind=SourceKind.CASE, location=location, zoo=("model_zoo",), input_shapes=(shape,))
            folder = self._folder / "-".join([route, network, *map(str, shape)])
            folder.mkdir()
            request = {"do": "export", "source": to_data(source), "route": route, "directory": str(folder)}
            manifest = from_data(self._exporter.handle(request), Manifest)
            self._made[network, route, shape] = manifest, folder / manifest.file
        return self._made[network, route, shape]


class ThroughOpenCV:
    """Stands where a stage keeps its network: same tensors in and out, computed by an OpenCV worker."""

    def __init__(self, network: str, route: str, artifacts: Artifacts, worker: OpenCV) -> None:
        self._network = network
        self._route = route
        self._artifacts = artifacts
        self._worker = worker

    def __call__(self, batch: Any) -> list[Any]:
        """Forward a batch (items, height, width, 3) one item at a time, as the artifact's batch axis is 1."""
        import tensorflow as tf

        items = [np.asarray(item, np.float32)[np.newaxis] for item in batch]
        if not items:
            raise HarnessError(f"{self._network}: no candidate came this far, so an earlier network computes wrongly")
        manifest, model = self._artifacts.get(self._network, self._route, items[0].shape)
        observed = self._worker.observe(manifest, model, [(item,) for item in items])
        seen = observed.observation
        if len(observed.outputs) < len(items):
            why = seen.error.message if seen.error else seen.signal or seen.stderr
            raise HarnessError(f"{self._network} {items[0].shape} at {seen.stage}: {why}")
        outputs = [np.concatenate(results) for results in zip(*observed.outputs, strict=True)]
        return [tf.constant(output) for output in outputs]


def detect(detector: Any, photograph: npt.NDArray[np.uint8]) -> list[list[float]]:
    """Return the detections, best first, as unrounded numbers."""
    rows = np.asarray(detector.detect_faces(photograph, output_type="numpy"), np.float64)
    return [[float(value) for value in row] for row in rows[np.argsort(-rows[:, 5])]]


def detect_by_opencv(route: str, photograph: Any, artifacts: Artifacts, worker: OpenCV) -> dict[str, Any]:
    """Detect with every stage's network replaced; a stage that fails ends it with the reason."""
    from mtcnn import MTCNN

    detector = MTCNN()
    for stage, network in zip(detector.stages, ("pnet", "rnet", "onet"), strict=True):
        stage._model = ThroughOpenCV(network, route, artifacts, worker)
    try:
        return {"rows": detect(detector, photograph)}
    except HarnessError as error:
        return {"failed": str(error)}


def engines(python: str) -> list[str]:
    """Return the engines worth telling apart: releases before 5 have one."""
    with OpenCV([python, str(WORKER)]) as worker:
        return ["default", *(["CLASSIC"] if "CLASSIC" in worker.capabilities()["engines"] else [])]


def main(routes: list[str], python: str) -> dict[str, Any]:
    """Detect in every way there is and return the results."""
    sys.modules["cv2"] = None  # type: ignore[assignment]  # Keras imports it where it can; the two may never meet
    exporter = Exporter(threads=1)
    import keras
    from mtcnn import MTCNN

    photograph = astronaut()[:HEIGHT, :WIDTH]
    found: dict[str, Any] = {"float32": detect(MTCNN(), photograph)}
    keras.config.set_dtype_policy("float64")
    found["float64"] = detect(MTCNN(), photograph)
    keras.config.set_dtype_policy("float32")
    with tempfile.TemporaryDirectory() as folder:
        artifacts = Artifacts(exporter, Path(folder))
        found["routes"] = {}
        for engine in engines(python):
            with OpenCV([python, str(WORKER)], engine=engine) as worker:
                found["opencv"] = worker.identity().opencv
                for route in routes:
                    found["routes"][f"{route}/{engine}"] = detect_by_opencv(route, photograph, artifacts, worker)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("routes", nargs="+")
    arguments = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):  # TensorFlow and converters print
        result = main(arguments.routes, arguments.python)
    print(json.dumps(result))
