"""Trained networks on a real photograph: the numbers of each network, and the faces that all three find together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cases import Case, load_zoo
from harness.effects.exporting import Exporter
from harness.effects.network_run import Observed
from harness.effects.observing import OpenCV
from harness.pictures import Picture, load_pictures
from harness.pure.compare import Difference, compare_output, sensitivity
from harness.pure.tolerance import SENSITIVITY_NEEDED, Reference
from harness.sources import Source, SourceKind

SCRIPT = Path(__file__).with_name("mtcnn_detection.py")
REPOSITORY = Path(__file__).parents[2]
ROUTES = ("onnx", "pb", "tflite")
ENGINES = ("default", "CLASSIC")
NETWORKS = ("pnet", "rnet", "onet")
CASES = {
    case.id.rpartition("_")[2]: case for case in load_zoo("model_zoo") if case.id.startswith("architectures/mtcnn")
}
MISSING = sorted({name for case in CASES.values() for name in case.missing_packages()})
WHERE_A_FACE_IS = {"x1": (165, 200), "y1": (50, 80), "width": (70, 110), "height": (90, 130)}
"""Pixels; the astronaut's face in the photograph, by eye."""

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"needs {MISSING}, which are in the development group"),
    pytest.mark.xdist_group("mtcnn"),  # what its fixtures make is made once
]


@dataclass(frozen=True, slots=True)
class Wrong:
    """What OpenCV is known to get wrong: words of its error, or the outputs whose numbers are off, and by how much."""

    reason: str
    words: str | None = None
    off: dict[str, float] = field(default_factory=dict)
    """Keras name of an output -> least difference from TensorFlow seen on the worst picture."""


SOFTMAX = "a softmax over the channels of a 4-D tensor is computed along the width"
PERMUTE = "Permute before Flatten is only known where it turns NHWC into NCHW or back"
LAST_ONLY = "the new engine's TFLite importer offers the last output only"
SOFTMAX_ALONG_WIDTH = Wrong(SOFTMAX, off={"conv4-2": 0.5})
WRONG = {
    ("pnet", "tflite", "classic"): SOFTMAX_ALONG_WIDTH,
    ("rnet", "tflite", "classic"): Wrong(PERMUTE, off={"fc5-1": 0.01, "fc5-2": 0.01}),
    ("onet", "tflite", "classic"): Wrong(PERMUTE, off={"fc6-1": 0.01, "fc6-2": 0.01, "fc6-3": 0.001}),
    ("pnet", "tflite", "new"): Wrong(LAST_ONLY, words="the number of requested and actual outputs must be the same"),
    ("rnet", "tflite", "new"): Wrong(LAST_ONLY, words="no output is named"),
    ("onet", "tflite", "new"): Wrong(LAST_ONLY, words="no output is named"),
}
"""By network, route and engine. An entry that no longer holds fails its test, and is dropped."""


def engine_of(worker: OpenCV, engine: str) -> str:
    """Return which of the two importers a release has for an engine asked for: `classic` or `new`."""
    new = "CLASSIC" in worker.capabilities()["engines"] and engine == "default"
    return "new" if new else "classic"


# Each network, fed through cv2.dnn.blobFromImage.


@dataclass(frozen=True, slots=True)
class Bench:
    """What the tests of single networks share."""

    exporter: Exporter
    workers: dict[str, OpenCV]
    folder: Path


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    exporter = Exporter(seconds=120)
    with OpenCV() as default, OpenCV(engine="CLASSIC") as classic:
        yield Bench(exporter, {"default": default, "CLASSIC": classic}, tmp_path_factory.mktemp("mtcnn"))
    exporter.close()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("network", NETWORKS)
def test_blob_from_image_gives_tensorflows_numbers(bench: Bench, network: str, route: str, engine: str) -> None:
    worker = bench.workers[engine]
    if engine not in ("default", *worker.capabilities()["engines"]):
        pytest.skip("releases before 5 have one engine")
    case = CASES[network]
    pictures = load_pictures(str(case.picture))
    folder = bench.folder / f"{network}-{route}-{engine}"
    folder.mkdir()
    manifest = bench.exporter.export(source(case), route, folder)
    references = refer(bench, case, pictures, [port.tensor.name for port in manifest.outputs])
    observed = worker.observe(manifest, folder / manifest.file, [[picture] for picture in pictures])
    where = f"{case.id} [{route}, OpenCV {worker.identity().opencv}/{engine}]"
    wrong = WRONG.get((network, route, engine_of(worker, engine)), Wrong("nothing is known to be wrong"))
    if wrong.words is not None:
        assert wrong.words in failure(observed), f"{where}: if {wrong.reason!r} is fixed, drop its entry"
        return
    assert len(observed.outputs) == len(pictures), f"{where} {observed.observation.stage}: {failure(observed)}"
    differences = compare(pictures, observed, references)
    assert {name for name, worst in differences.items() if not worst.passed} == set(wrong.off), (
        f"{where} compare: {wrong.reason}, but: {differences}"
    )
    for name, least in wrong.off.items():
        assert differences[name].max_abs >= least, f"{where} compare: {differences[name]}"
    assert sensitivity(references) > SENSITIVITY_NEEDED


def compare(
    pictures: tuple[Picture, ...], observed: Observed, references: list[list[Reference]]
) -> dict[str, Difference]:
    """Return the worst difference of each output, by its Keras name."""
    worst: dict[str, Difference] = {}
    for picture, outputs, row in zip(pictures, observed.outputs, references, strict=True):
        for output, stated in zip(outputs, row, strict=True):
            difference = compare_output(output, stated, picture.name)
            if stated.name not in worst or difference.margin > worst[stated.name].margin:
                worst[stated.name] = difference
    return worst


def source(case: Case) -> Source:
    return Source(kind=SourceKind.CASE, location=case.id, zoo=("model_zoo",))


def refer(bench: Bench, case: Case, pictures: tuple[Picture, ...], names: list[str]) -> list[list[Reference]]:
    """Return TensorFlow's outputs on each picture, preprocessed as the package does."""
    inputs = [bench.folder / f"{case.id.rpartition('/')[2]}-{picture.name}.npz" for picture in pictures]
    outputs = [path.with_suffix(".out.npz") for path in inputs]
    for path, picture in zip(inputs, pictures, strict=True):
        np.savez(path, i0=picture.keras_input)
    why = bench.exporter.reference(source(case), inputs, outputs)["why"]
    return [
        [reference(arrays, index, name, why) for index, name in enumerate(names)] for arrays in map(np.load, outputs)
    ]


def reference(arrays: Any, index: int, name: str, why: str) -> Reference:
    return Reference(
        name=name,
        float32=arrays[f"f32_{index}"],
        best=arrays[f"f64_{index}"],
        noise=float(arrays[f"noise_{index}"]),
        why=why,
    )


def failure(observed: Observed) -> str:
    seen = observed.observation
    return seen.error.message if seen.error else seen.signal or seen.stderr


# All three together.


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *ROUTES],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def test_tensorflow_finds_the_face(found: dict[str, Any]) -> None:
    ((_, *box, confidence), *others) = [row[:6] for row in found["float32"]]
    assert others == []
    assert confidence > 0.99
    for value, (low, high) in zip(box, WHERE_A_FACE_IS.values(), strict=True):
        assert low < value < high


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("route", ROUTES)
def test_opencv_finds_the_same_faces(found: dict[str, Any], bench: Bench, route: str, engine: str) -> None:
    """Same faces; boxes, confidence and landmarks within 32 times what float32 rounding does to TensorFlow's own.

    TensorFlow's rounding is the difference between the detector in float32 and in float64, in pixels.
    """
    if f"{route}/{engine}" not in found["routes"]:
        pytest.skip("releases before 5 have one engine")
    result = found["routes"][f"{route}/{engine}"]
    complaint = disagreement(result, found)
    kind = engine_of(bench.workers[engine], engine)
    known = [WRONG[network, route, kind].reason for network in NETWORKS if (network, route, kind) in WRONG]
    where = f"{route} on OpenCV {found['opencv']}/{engine}"
    if known:
        assert complaint is not None, f"{where} is right although {known}; drop the entries"
    else:
        assert complaint is None, f"{where}: {complaint}"


def disagreement(result: dict[str, Any], found: dict[str, Any]) -> str | None:
    """Return how OpenCV's detections differ from TensorFlow's, or None where they are the same."""
    if "failed" in result:
        return str(result["failed"])
    ours, single, double = (np.asarray(rows) for rows in (result["rows"], found["float32"], found["float64"]))
    if not ours.shape == single.shape == double.shape:
        return f"finds {len(ours)} faces instead of {len(single)}"
    for name, columns in {"boxes": slice(1, 5), "confidence": slice(5, 6), "landmarks": slice(6, 16)}.items():
        exact, plain = double[:, columns], single[:, columns].astype(np.float32)
        noise = float(np.abs(plain - exact).max())
        stated = Reference(name=name, float32=plain, best=exact, noise=noise, why="the detector in float64")
        difference = compare_output(ours[:, columns], stated, "photograph")
        assert difference.tolerance.allowed < 0.05, "a criterion this wide would pass another face"
        if not difference.passed:
            return str(difference)
    return None
