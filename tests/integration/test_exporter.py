"""The exporter child: what it describes, writes and computes, held against TensorFlow's numbers and the real OpenCV."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.effects.exporting import Exporter, exporter_argv, exporter_environment
from harness.effects.observing import OpenCV
from harness.encoding import from_data, to_data
from harness.manifests import Layout, Manifest, ModelInfo
from harness.routes import all_routes, pick_routes
from harness.sources import Source, SourceKind

pytestmark = pytest.mark.xdist_group("exporter")  # what its fixtures make is made once

HERE = Path(__file__).parent
K = 32
"""The tolerance in units of TensorFlow's own rounding error."""
FLOOR = 4 * np.finfo(np.float32).eps


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        exporter = Exporter(seconds=120)
        yield exporter
        exporter.close()


@pytest.fixture(scope="module")
def opencv() -> Iterator[OpenCV]:
    with OpenCV() as client:
        yield client


def source(name: str, **more: Any) -> Source:
    return Source(kind=SourceKind.CALLABLE, location=f"exporter_models:{name}", **more)


def inputs_of(info: ModelInfo) -> list[np.ndarray[Any, Any]]:
    random = np.random.RandomState(1)
    return [random.randn(*spec.shape).astype(spec.dtype) for spec in info.inputs]


def reference(
    exporter: Exporter, what: Source, arrays: list[np.ndarray[Any, Any]], folder: Path
) -> tuple[dict[str, np.ndarray[Any, Any]], str]:
    np.savez(folder / "in.npz", **{f"i{index}": array for index, array in enumerate(arrays)})  # type: ignore[arg-type]
    why = exporter.reference(what, [folder / "in.npz"], [folder / "out.npz"])["why"]
    with np.load(folder / "out.npz") as stored:
        return dict(stored), why


def export(exporter: Exporter, what: Source, route: str, folder: Path) -> tuple[Manifest, Path]:
    target = folder / route
    target.mkdir()
    manifest = exporter.export(what, route, target)
    return manifest, target / manifest.file


RIGHT = [
    *[(name, route) for name in ("seed_cnn", "prelu", "depthwise", "batch_norm", "bilinear", "permuted")
      for route in ("pb", "onnx", "tflite")],
    *[(name, route) for name in ("deconvolution", "reshape_image", "decoder") for route in ("pb", "onnx")],
    *[(name, "onnx") for name in ("several_outputs", "several_inputs", "sequence", "volume", "lstm", "gru")],
]  # fmt: skip
"""What OpenCV 5.0 computes rightly from a good export."""


@pytest.mark.parametrize(("name", "route"), RIGHT)
def test_opencv_computes_what_tensorflow_computes(exporter, opencv, tmp_path, name, route):
    info = exporter.describe(source(name))
    arrays = inputs_of(info)
    expected, _ = reference(exporter, source(name), arrays, tmp_path)
    manifest, model = export(exporter, source(name), route, tmp_path)
    seen = opencv.observe(manifest, model, [arrays])
    assert seen.observation.error is None, seen.observation
    for index, found in enumerate(seen.outputs[0]):
        double = expected[f"f64_{index}"]
        assert found.shape == double.shape
        allowed = K * max(float(expected[f"noise_{index}"]), FLOOR * float(np.abs(double).max()))
        assert np.abs(found - double).max() <= allowed


@pytest.mark.parametrize("route", sorted(all_routes()))
def test_every_route_describes_what_it_wrote(exporter, tmp_path, route):
    if route not in {found.name for found in pick_routes((), SourceKind.CALLABLE)}:
        pytest.skip("takes files only; tested with files")
    manifest, model = export(exporter, source("several_outputs"), route, tmp_path)
    assert model.stat().st_size > 0
    assert manifest.route == route
    assert manifest.format in all_routes()[route].formats
    assert [port.tensor.shape for port in manifest.inputs] == [(1, 9, 12, 5)]
    assert [port.tensor.shape for port in manifest.outputs] == [(1, 7, 10, 3), (1, 7), (1, 4), (1, 7, 10, 7)]
    assert len({port.name for port in manifest.outputs}) == 4
    assert sum(manifest.ops.values()) > 3
    assert set(manifest.node_layers.values()) >= {"conv2d", "dense"}
    image = Layout.AS_KERAS if manifest.format == "onnx" else Layout.NCHW
    assert [port.layout for port in manifest.outputs] == [image, Layout.AS_KERAS, Layout.AS_KERAS, image]


@pytest.mark.parametrize("route", ["onnx-tf2onnx-cli", "onnx-keras"])
def test_ports_of_stock_onnx_are_joined_rightly(exporter, tmp_path, route):
    """By numbers: onnx's own evaluator on the file, so that no release of OpenCV decides."""
    from onnx.reference import ReferenceEvaluator

    for name in ("several_outputs", "several_inputs"):
        folder = tmp_path / name
        folder.mkdir()
        arrays = inputs_of(exporter.describe(source(name)))
        expected, _ = reference(exporter, source(name), arrays, folder)
        manifest, model = export(exporter, source(name), route, folder)
        feeds = {port.name: array for port, array in zip(manifest.inputs, arrays, strict=True)}
        found = ReferenceEvaluator(str(model)).run([port.name for port in manifest.outputs], feeds)
        for index, array in enumerate(found):
            np.testing.assert_allclose(array, expected[f"f32_{index}"], rtol=0, atol=1e-4)


def test_describing_tells_names_shapes_and_layers(exporter):
    info = exporter.describe(source("several_inputs"))
    assert [(spec.name, spec.shape) for spec in info.inputs] == [("b vector", (1, 6)), ("the image", (1, 9, 12, 5))]
    assert info.outputs[0].shape == (1, 3)
    assert info.kind == "functional"
    assert {"Concatenate", "Conv2D", "Dense"} <= set(info.layers)
    assert info.parameters == 6 * 5 * 9 + 6 + 12 * 3 + 3


def test_names_in_the_graph_are_clean(exporter, tmp_path):
    manifest, _ = export(exporter, source("several_inputs"), "onnx", tmp_path)
    assert [port.name for port in manifest.inputs] == ["b_vector", "the_image"]
    assert [port.name for port in manifest.outputs] == ["output_0"]


def test_two_builds_have_the_same_weights(exporter, tmp_path):
    first = exporter.describe(source("seed_cnn")).weights_digest
    for other in ("prelu", "depthwise"):  # push it out of the exporter's memory
        exporter.describe(source(other))
    assert exporter.describe(source("seed_cnn")).weights_digest == first
    assert exporter.describe(source("prelu")).weights_digest != first
    assert export(exporter, source("seed_cnn"), "pb", tmp_path)[0].weights_digest == first


def test_rounding_noise_comes_from_the_twin_or_says_why_not(exporter, tmp_path):
    arrays = inputs_of(exporter.describe(source("prelu")))
    found, why = reference(exporter, source("prelu"), arrays, tmp_path)
    assert why.startswith("float64 twin of the frozen graph")
    assert found["f64_0"].dtype == np.float64
    assert float(found["noise_0"]) >= np.abs(found["f32_0"] - found["f64_0"]).max() > 0
    arrays = inputs_of(exporter.describe(source("max_pool_3d")))
    found, why = reference(exporter, source("max_pool_3d"), arrays, tmp_path)
    assert "perturbations of 1 ulp" in why
    assert "double is not in the list of allowed values" in why
    assert 0 < float(found["noise_0"]) < 1e-6


def test_open_axes_are_chosen_said_and_can_be_given(exporter, tmp_path):
    manifest, _ = export(exporter, source("open_size"), "onnx", tmp_path)
    assert manifest.inputs[0].tensor.shape == (1, 96, 128, 3)
    assert any("leaves axes open" in note for note in manifest.notes)
    asked = source("open_size", input_shapes=((2, 32, 48, 3),))
    assert exporter.describe(asked).outputs[0].shape == (2, 30, 46, 4)


def test_a_subclassed_model_has_the_shapes_it_was_called_with(exporter):
    assert [spec.shape for spec in exporter.describe(source("called")).inputs] == [(1, 5)]
    assert [spec.shape for spec in exporter.describe(source("called_with_two")).inputs] == [(1, 5), (1, 3)]


def test_a_subclassed_model_takes_the_shape_asked_for(exporter):
    info = exporter.describe(source("subclassed", input_shapes=((1, 5),)))
    assert (info.kind, info.outputs[0].shape) == ("subclassed", (1, 3))


def test_saved_files_are_judged_as_they_are(exporter, opencv, tmp_path):
    for route in ("pb", "onnx", "tflite"):
        _, model = export(exporter, source("seed_cnn"), route, tmp_path)
        folder = tmp_path / f"{route}-file"
        folder.mkdir()
        file = Source(kind=SourceKind(route), location=str(model))
        info = exporter.describe(file)
        arrays = inputs_of(info)
        expected, _ = reference(exporter, file, arrays, folder)
        manifest, copied = export(exporter, file, "as-is", folder)
        assert copied.read_bytes() == model.read_bytes()
        seen = opencv.observe(manifest, copied, [arrays])
        np.testing.assert_allclose(seen.outputs[0][0], expected["f32_0"], rtol=0, atol=1e-5)


def test_a_frozen_graph_goes_through_every_graph_route(exporter, tmp_path):
    _, model = export(exporter, source("seed_cnn"), "pb", tmp_path)
    file = Source(kind=SourceKind.PB, location=str(model))
    arrays = inputs_of(exporter.describe(file))
    expected, why = reference(exporter, file, arrays, tmp_path)
    assert why.startswith("float64 twin of the frozen graph")
    assert expected["f32_0"].shape == (1, 10)
    for route in ("onnx", "tflite"):
        folder = tmp_path / "again"
        folder.mkdir(exist_ok=True)
        assert export(exporter, file, route, folder)[1].stat().st_size > 200_000


def test_stdout_carries_frames_only_and_eof_ends_it():
    requests = [{"do": "describe", "source": to_data(source("no_model"))}, {"do": "dance"}]
    child = subprocess.run(
        exporter_argv(1),
        input="".join(json.dumps({"sizes": [], **request}) + "\n" for request in requests),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={**exporter_environment(), "PYTHONPATH": str(HERE)},
    )
    first, second = [json.loads(line) for line in child.stdout.splitlines()]
    assert (first["ok"], first["error"]) == (False, "ModelRejectedError")
    assert (second["ok"], second["error"]) == (False, "ProtocolError")
    assert "describe, anatomy, export, reference" in second["message"]


def test_the_tool_s_own_last_words_reach_the_user(tmp_path, monkeypatch):
    from harness.errors import ExportFailedError
    from harness.export import onnx_files
    from harness.export.onnx_files import run_tool

    (tmp_path / "fails.py").write_text("import sys; print('the reason', file=sys.stderr); sys.exit(3)")
    (tmp_path / "hangs.py").write_text("import time; time.sleep(60)")
    (tmp_path / "works.py").write_text("import sys; open(sys.argv[1], 'w').write('done')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    onnx_files._preloaded.cache_clear()  # one that knows this folder
    with pytest.raises(ExportFailedError, match="python -m fails ended with status 3: the reason"):
        run_tool("fails", [], seconds=30)
    with pytest.raises(ExportFailedError, match=r"ended with status 1: .*No module named nowhere"):
        run_tool("nowhere", [], seconds=30)
    with pytest.raises(ExportFailedError, match=r"did not finish in 0\.5 s"):
        run_tool("hangs", [], seconds=0.5)
    run_tool("works", [str(tmp_path / "made.txt")], seconds=30)
    assert (tmp_path / "made.txt").read_text() == "done"
    onnx_files._preloaded().close()
    onnx_files._preloaded.cache_clear()


def test_manifests_survive_their_codec(exporter, tmp_path):
    manifest, _ = export(exporter, source("prelu"), "tflite", tmp_path)
    assert from_data(to_data(manifest), Manifest) == manifest
