"""Models that cannot be exported: the exporter says why and what to do, and goes on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.effects.exporting import Exporter
from harness.errors import ModelRejectedError
from harness.sources import Source, SourceKind

pytestmark = pytest.mark.xdist_group("bad_models")  # what its fixtures make is made once

HERE = Path(__file__).parent
WRITE = """
import sys, keras, numpy as np, onnx, tensorflow as tf
from keras import layers
from pathlib import Path
folder = Path(sys.argv[1])
dense = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="head")])
dense.save(folder / "good.keras"); dense.save(folder / "good.h5"); dense.save_weights(folder / "only.weights.h5")
dense.export(folder / "exported", verbose=False)
inner = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x * 2, name="inner_code")])
outer = keras.Sequential([keras.Input((4,)), inner, layers.Dense(2)])
outer.save(folder / "lambda.keras"); outer.save(folder / "lambda.h5")
dense.layers[0].kernel.assign(np.full((4, 3), np.inf)); dense.save(folder / "infinite.keras")
module = tf.Module(); tf.saved_model.save(module, str(folder / "unsigned"))
graph = tf.Graph()
with graph.as_default():
    tf.compat.v1.placeholder(tf.float32, None, name="x") + 1.0
(folder / "unknown_rank.pb").write_bytes(graph.as_graph_def().SerializeToString())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model files that TensorFlow itself wrote."""
    path = tmp_path_factory.mktemp("models")
    subprocess.run([sys.executable, "-c", WRITE, str(path)], check=True, timeout=120, capture_output=True)
    return path


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        exporter = Exporter(seconds=120)
        yield exporter
        exporter.close()


def file(path: Path, *, trust_lambda: bool = False) -> Source:
    kinds = {".keras": "keras", ".h5": "h5", ".pb": "pb", ".onnx": "onnx", ".tflite": "tflite", "": "savedmodel"}
    return Source(kind=SourceKind(kinds[path.suffix]), location=str(path), trust_lambda=trust_lambda)


def build(name: str) -> Source:
    return Source(kind=SourceKind.CALLABLE, location=name)


def rejected(exporter: Exporter, source: Source, words: str) -> None:
    with pytest.raises(ModelRejectedError, match=words) as caught:
        exporter.describe(source)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("name", ["good.keras", "good.h5", "exported"])
def test_good_files_open(exporter, folder, name):
    info = exporter.describe(file(folder / name))
    assert [spec.shape for spec in info.outputs] == [(1, 3)]
    assert info.parameters == 15


@pytest.mark.parametrize("name", ["lambda.keras", "lambda.h5"])
def test_stored_code_is_refused_unless_its_author_is_trusted(exporter, folder, name):
    rejected(
        exporter, file(folder / name), r"Lambda layers \(inner_code\).*runs code stored in the file.*--trust-lambda"
    )
    assert exporter.describe(file(folder / name, trust_lambda=True)).outputs[0].shape == (1, 2)


def test_weights_that_are_not_finite_are_named(exporter, folder):
    rejected(exporter, file(folder / "infinite.keras"), r"'head/kernel' hold NaN or infinity")
    rejected(exporter, build("exporter_models:not_a_number"), r"the_culprit/kernel' hold NaN or infinity")


def test_weights_without_a_model_are_named(exporter, folder):
    rejected(exporter, file(folder / "only.weights.h5"), "weights but no model.*save the whole model")


@pytest.mark.parametrize("name", ["good.keras", "good.h5"])
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_truncated_files_say_what_was_expected(exporter, folder, tmp_path, name, kept):
    data = (folder / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * kept)])
    rejected(exporter, file(path), "no complete (.keras archive|HDF5 file)|cannot load it")


def test_a_keras_archive_without_its_weights_is_rejected(exporter, folder, tmp_path):
    path = tmp_path / "good.keras"
    with zipfile.ZipFile(folder / "good.keras") as old, zipfile.ZipFile(path, "w") as new:
        for name in ("config.json", "metadata.json"):
            new.writestr(name, old.read(name))
    rejected(exporter, file(path), "Keras cannot load it")


def test_a_saved_model_without_signature_or_with_broken_variables(exporter, folder, tmp_path):
    rejected(exporter, file(folder / "unsigned"), "no signature 'serving_default'")
    broken = tmp_path / "broken"
    shutil.copytree(folder / "exported", broken)
    for shard in (broken / "variables").iterdir():
        shard.write_bytes(b"")
    rejected(exporter, file(broken), "cannot be loaded as a SavedModel")


def test_a_tflite_file_that_ends_early(exporter, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(100))
    rejected(exporter, file(path), "cannot be opened")


def test_unknown_rank_is_named(exporter, folder):
    rejected(exporter, file(folder / "unknown_rank.pb"), "'x' is of unknown rank")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exporter_models:no_model", "builtins.int, which is no keras.Model"),
        ("exporter_models:broken", "RuntimeError: the weights are on the other machine"),
        ("exporter_models:nothing", "AttributeError.*has no attribute 'nothing'"),
        ("no_such_module:build", "ModuleNotFoundError"),
        ("exporter_models:subclassed", "never called, so its inputs are unknown.*--input-shape"),
        ("exporter_models:string_input", "dtype string, which no OpenCV blob can carry"),
        ("exporter_models:no_input", "no inputs|inputs are unknown"),
    ],
)
def test_callables_that_give_no_model(exporter, name, words):
    rejected(exporter, build(name), words)


def test_a_shape_that_does_not_fit(exporter):
    source = Source(kind=SourceKind.CALLABLE, location="exporter_models:seed_cnn", input_shapes=((1, 32, 32, 3),))
    rejected(exporter, source, r"\(1, 32, 32, 3\) does not fit input .* takes \(\?, 28, 28, 1\)")


def test_the_exporter_is_still_there_after_all_that(exporter):
    assert exporter.describe(build("exporter_models:seed_cnn")).parameters == 54_410
