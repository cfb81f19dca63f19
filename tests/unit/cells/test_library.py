from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from harness.cells.library import Library
from harness.cells.subjects import Subject
from harness.effects.artifacts import ArtifactStore
from harness.effects.exporting import Exporter, ExporterLostError
from harness.encoding import to_json
from harness.errors import ExportFailedError, HarnessError, ModelRejectedError, NoReferenceError
from harness.manifests import ModelInfo
from harness.pure.inputs import PROBES, expand
from harness.pure.tolerance import K
from harness.sources import Source, SourceKind

TWICE = [helper.make_node("Add", ["x", "x"], ["y"], name="model/twice/Add")]
UNKNOWN = [helper.make_node("Foo", ["x"], ["y"], name="model/foo/Foo", domain="my.own")]
INFO = ModelInfo(
    inputs=(), outputs=(), parameters=7, layers=(), weights_digest="w", structure_digest="s", kind="sequential"
)
CALLABLE = Source(kind=SourceKind.CALLABLE, location="my_nets_of_this_test:build")


@pytest.fixture(scope="module")
def exporter(tmp_path_factory):
    """Pay TensorFlow's seconds once. It is started in a folder with a user's own module, which it can import."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "my_nets_of_this_test.py").write_text(
        "import keras\ndef build():\n    keras.utils.set_random_seed(3)\n"
        "    return keras.Sequential([keras.Input((4,), batch_size=1), keras.layers.Dense(2)])\n"
        "def pooled():\n"
        "    return keras.Sequential([keras.Input((24, 25, 3), batch_size=1), keras.layers.GlobalAveragePooling2D()])\n"
    )
    with_tensorflow = Exporter(seconds=60)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with_tensorflow.describe(CALLABLE)
    yield with_tensorflow
    with_tensorflow.close()


@pytest.fixture
def offline(shelf):
    """A library that must find everything in the store: its exporter may not start."""
    idle = Exporter(seconds=1)
    yield Library(shelf.store, idle)
    assert not idle.started


@pytest.fixture
def broken(shelf, monkeypatch) -> Library:
    """A library whose exporter dies as soon as it is started."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    return Library(shelf.store, Exporter(seconds=5))


def feeds(shelf):
    manifest = shelf.manifest(["x"], ["y"])
    return [expand(plan, [port.tensor for port in manifest.inputs]) for plan in PROBES]


def test_how_far_outputs_move_with_an_input_is_measured_once(shelf, exporter, offline):
    subject = shelf.file("net", [helper.make_node("Mul", ["x", "x"], ["y"], name="square")], ["x"], ["y"])
    (feed,) = feeds(shelf)[:1]
    outputs = [feed[0] * feed[0]]
    (found,) = Library(shelf.store, exporter).rounding(subject, feed)
    ulp = np.spacing(np.abs(feed[0]).max())
    assert ulp <= found <= 3 * ulp * np.abs(feed[0]).max() + 2 * np.spacing(outputs[0].max())
    assert offline.rounding(subject, feed) == (found,)


def test_means_over_many_values_may_be_off_by_what_a_sum_one_after_another_is(shelf, exporter):
    source = Source(kind=SourceKind.CALLABLE, location="my_nets_of_this_test:pooled")
    feed = [np.random.RandomState(0).random_sample((1, 24, 25, 3)).astype(np.float32)]
    (found,) = Library(shelf.store, exporter).rounding(Subject(id="pooled", source=source, family="own"), feed)
    bound = (24 * 25 - 1) * 2.0**-24 * feed[0].mean((1, 2), dtype=np.float64).max()
    assert found == pytest.approx(bound / K, rel=1e-6)


# -- a warm store -----------------------------------------------------------------------------------------------------


def test_what_is_stored_needs_no_exporter(shelf, offline):
    subject = shelf.ready("twice", TWICE, lambda x: [x + x])
    artifact = offline.artifact(subject, "as-is")
    assert artifact.model.read_bytes() == Path(subject.source.location).read_bytes()
    assert artifact.manifest == shelf.manifest(["x"], ["y"])
    references = offline.references(subject, artifact, feeds(shelf))
    assert [len(outputs) for outputs in references] == [1] * len(PROBES)
    for feed, (reference,) in zip(feeds(shelf), references, strict=True):
        np.testing.assert_allclose(reference.best, feed[0].astype(np.float64) * 2)
        assert (reference.name, reference.noise, reference.why) == ("y", 1e-6, "float64 by numpy")
        assert reference.float32.dtype == np.float32


@pytest.mark.parametrize("kind", [ExportFailedError, ModelRejectedError])
def test_a_stored_refusal_is_raised_again_as_it_was(shelf, offline, kind):
    subject = shelf.file("twice", TWICE, ["x"], ["y"])
    shelf.failure("artifact", shelf.key(subject, "as-is"), kind("said the converter"))
    for _ in range(2):
        with pytest.raises(kind, match="said the converter") as raised:
            offline.artifact(subject, "as-is")
        assert type(raised.value) is kind


def test_a_stored_info_refusal_is_raised_again(shelf, offline):
    subject = shelf.file("twice", TWICE, ["x"], ["y"])
    shelf.failure("info", shelf.key(subject), ModelRejectedError("no inputs"))
    with pytest.raises(ModelRejectedError, match="no inputs"):
        offline.info(subject)


def test_an_edited_model_is_another_model(shelf, broken):
    subject = shelf.ready("twice", TWICE, lambda x: [x + x])
    broken.artifact(subject, "as-is")
    path = Path(subject.source.location)
    path.write_bytes(path.read_bytes() + b"\x00")
    next_run = Library(shelf.store, Exporter(seconds=5))
    with pytest.raises(ExporterLostError):
        next_run.artifact(subject, "as-is")


def test_a_damaged_artifact_is_asked_for_again(shelf, broken):
    subject = shelf.ready("twice", TWICE, lambda x: [x + x])
    model = broken.artifact(subject, "as-is").model
    model.write_bytes(b"damaged")
    again = Library(ArtifactStore(shelf.folder / "store"), Exporter(seconds=5))
    with pytest.raises(ExporterLostError):
        again.artifact(subject, "as-is")


def test_a_lost_exporter_is_no_fact_about_the_model(shelf, broken):
    subject = shelf.file("twice", TWICE, ["x"], ["y"])
    for _ in range(2):
        with pytest.raises(ExporterLostError, match=r"the exporter .* ended with status 1"):
            broken.artifact(subject, "as-is")
    assert not list((shelf.store.root / "scratch").iterdir())


def test_each_opset_is_an_artifact_of_its_own_and_the_routes_own_has_the_plain_key(shelf, offline):
    subject = shelf.file("twice", TWICE, ["x"], ["y"])
    for opset, more in ((13, []), (11, ["opset 11"])):
        shelf.artifact(subject, f"at {opset}".encode(), shelf.manifest(["x"], ["y"], "onnx", opset), *more)
    assert [offline.artifact(subject, "onnx", opset).model.read_bytes() for opset in (None, 11)] == [b"at 13", b"at 11"]
    assert offline.artifact(subject, "onnx").key == shelf.key(subject, "onnx")


def test_what_the_store_knows_of_a_model_can_be_asked_without_building_it(shelf, offline):
    subject = shelf.file("twice", TWICE, ["x"], ["y"])
    assert offline.stored_info(subject) is None
    assert offline.stored_info(Subject(id="mine", source=CALLABLE)) is None
    shelf.put("info", shelf.key(subject), lambda folder: (folder / "info.json").write_text(to_json(INFO)))
    assert offline.stored_info(subject) == INFO
    other = shelf.file("other", UNKNOWN, ["x"], ["y"])
    shelf.failure("info", shelf.key(other), ModelRejectedError("no inputs"))
    with pytest.raises(ModelRejectedError, match="no inputs"):
        offline.stored_info(other)


# -- a cold store -----------------------------------------------------------------------------------------------------


def test_what_is_missing_is_made_once_and_kept(shelf, exporter):
    subject = shelf.file("twice", TWICE, ["x"], ["y"])
    cold = Library(shelf.store, exporter)
    info = cold.info(subject)
    assert (info.kind, [spec.shape for spec in info.inputs]) == ("onnx", [(1, 3, 5, 7)])
    artifact = cold.artifact(subject, "as-is")
    made = cold.references(subject, artifact, feeds(shelf))
    for feed, (reference,) in zip(feeds(shelf), made, strict=True):
        np.testing.assert_allclose(reference.best, feed[0].astype(np.float64) * 2)
    warm = Library(shelf.store, idle := Exporter(seconds=1))
    assert warm.artifact(subject, "as-is") == artifact
    assert warm.info(subject) == info
    again = warm.references(subject, artifact, feeds(shelf))
    np.testing.assert_array_equal(again[0][0].float32, made[0][0].float32)
    assert not idle.started
    assert not list((shelf.store.root / "scratch").iterdir())


def test_a_model_outside_of_its_entry_is_refused(shelf):
    """Entries may come from another machine."""
    subject = shelf.file("twice", TWICE, ["x"], ["y"])
    shelf.artifact(subject, b"", replace(shelf.manifest(["x"], ["y"]), file="../../model.onnx"))
    with pytest.raises(HarnessError, match=r"names '../../model.onnx' as its model, which is not in it; delete that"):
        Library(shelf.store, Exporter(seconds=1)).artifact(subject, "as-is")


def test_only_references_that_are_missing_are_computed(shelf, exporter):
    """Stored ones are taken as they are, even where they could not have come from this model."""
    subject = shelf.file("twice", TWICE, ["x"], ["y"])
    library = Library(shelf.store, exporter)
    artifact = library.artifact(subject, "as-is")
    manifest = replace(shelf.manifest(["x"], ["y"]), weights_digest=artifact.manifest.weights_digest)
    key = shelf.key(subject, manifest.weights_digest)
    assert key != shelf.key(subject)
    first, second, *_ = feeds(shelf)
    library.references(subject, artifact, [first])
    (stored,) = list((shelf.store.root / "reference").glob("*/*/reference.npz"))
    before = stored.stat().st_mtime_ns
    found = library.references(subject, artifact, [second, first, second])
    assert len(list((shelf.store.root / "reference").glob("*/*/reference.npz"))) == 2
    assert stored.stat().st_mtime_ns == before
    np.testing.assert_array_equal(found[0][0].best, found[2][0].best)
    np.testing.assert_allclose(found[1][0].best, first[0].astype(np.float64) * 2)


def test_a_model_that_cannot_be_computed_has_no_reference_and_that_is_kept(shelf, exporter):
    subject = shelf.file("unknown", UNKNOWN, ["x"], ["y"])
    library = Library(shelf.store, exporter)
    artifact = library.artifact(subject, "as-is")
    with pytest.raises(NoReferenceError, match="Foo"):
        library.references(subject, artifact, feeds(shelf))
    warm = Library(shelf.store, idle := Exporter(seconds=1))
    with pytest.raises(NoReferenceError, match="Foo"):
        warm.references(subject, artifact, feeds(shelf))
    assert not idle.started


def test_a_model_whose_weights_change_between_two_builds_cannot_be_compared(shelf, exporter):
    subject = shelf.file("twice", TWICE, ["x"], ["y"])
    library = Library(shelf.store, exporter)
    artifact = library.artifact(subject, "as-is")
    other = replace(artifact, manifest=replace(artifact.manifest, weights_digest="of an earlier build"))
    with pytest.raises(HarnessError, match=r"twice builds different weights each time"):
        library.references(subject, other, feeds(shelf))
    assert not list((shelf.store.root / "reference").glob("*/*"))


def test_a_callable_is_known_by_what_it_builds(shelf, exporter):
    """Its module may do anything, so only its weights tell whether it is the same as last time."""
    subject = Subject(id="mine", source=CALLABLE)
    info = Library(shelf.store, exporter).info(subject)
    assert (info.parameters, info.kind) == (10, "sequential")
    assert Library(shelf.store, exporter).info(subject) == info
    (entry,) = (shelf.store.root / "info").glob("*/*")
    assert (entry / "info.json").is_file()
