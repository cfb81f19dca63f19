from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cases import load_zoo
from harness.cells.subjects import Subject, from_case, from_text
from harness.errors import ModelRejectedError, UsageError
from harness.sources import Cut, Source, SourceKind

ZOO = ("model_zoo",)
TFLITE = b"\x1c\x00\x00\x00TFL3" + b"\x00" * 40


@pytest.fixture
def tflite(tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(TFLITE)
    return path


def subject(model: object, **options) -> Subject:
    return from_text(str(model), zoo=ZOO, **options)


def test_a_file_is_what_its_content_says(tflite):
    found = subject(tflite)
    assert (found.id, found.family) == (str(tflite), "files")
    assert (found.source.kind, found.source.location) == (SourceKind.TFLITE, str(tflite.resolve()))


def test_a_file_named_from_here_is_found_from_anywhere(tflite, monkeypatch):
    monkeypatch.chdir(tflite.parent)
    found = subject("net.tflite")
    assert (found.id, found.source.location) == ("net.tflite", str(tflite))


def test_home_is_known(tflite, monkeypatch):
    monkeypatch.setenv("HOME", str(tflite.parent))
    assert subject("~/net.tflite").source.location == str(tflite)


def test_a_callable_is_not_opened():
    found = subject("no_such.module:build", input_shapes=[(1, 8)], trust_lambda=True)
    assert (found.source.kind, found.source.location) == (SourceKind.CALLABLE, "no_such.module:build")
    assert (found.source.input_shapes, found.source.trust_lambda) == (((1, 8),), True)
    assert found.fingerprint() is None


@pytest.mark.parametrize("model", ["a-b:c", "a:", ":b", "a.b:c.d", "a:b:c", "1a:b", "a..b:c"])
def test_what_only_looks_like_a_callable_is_refused(model):
    with pytest.raises(UsageError, match=r"neither a file nor package.module:callable"):
        subject(model)


def test_a_case_is_taken_by_its_id():
    case = load_zoo("model_zoo")[0]
    found = subject(case.id, input_shapes=[(1, 8)])
    assert found == replace(from_case(case, ZOO), source=found.source)
    assert (found.source.kind, found.source.location, found.source.zoo) == (SourceKind.CASE, case.id, ZOO)
    assert found.source.input_shapes == ((1, 8),)


def test_a_misspelt_case_is_answered_with_near_ones():
    case = load_zoo("model_zoo")[0]
    with pytest.raises(UsageError, match=rf"is no file.*did you mean .*{case.id}"):
        subject(case.id[:-1])
    with pytest.raises(UsageError, match=r"'zzz' is no file.*`dnn-harness zoo list`"):
        subject("zzz")


@pytest.mark.parametrize("model", ["net.onnx", "/no/net", "./net", "~/net", "folder/", "net.keras"])
def test_a_path_that_is_not_there_is_no_case_id(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelRejectedError, match="does not exist"):
        subject(model)


@pytest.mark.parametrize("model", ["x" * 5000, "~no_such_user_here/net.onnx", "\0", "", "caf\udce9.onnx"])
def test_a_name_that_can_be_nothing_is_a_usage_error(model):
    with pytest.raises(UsageError):
        subject(model)


def test_the_same_file_by_another_name_of_its_folder_has_the_same_fingerprint(tflite):
    before = subject(tflite).fingerprint()
    moved = tflite.parent / "elsewhere"
    moved.mkdir()
    assert subject(tflite.rename(moved / tflite.name)).fingerprint() == before


def test_all_that_changes_the_export_changes_the_fingerprint(tflite):
    plain = subject(tflite).fingerprint()
    shaped = subject(tflite, input_shapes=[(1, 8)]).fingerprint()
    trusting = subject(tflite, trust_lambda=True).fingerprint()
    tflite.write_bytes(TFLITE + b"\x01")
    assert len({plain, shaped, trusting, subject(tflite).fingerprint()}) == 4


def test_cases_of_one_module_have_fingerprints_of_their_own():
    first, second = load_zoo("model_zoo")[:2]
    digests = {from_case(case, ZOO).fingerprint() for case in (first, second)}
    assert len(digests) == 2
    assert from_case(first, ZOO).fingerprint() in digests


def test_only_a_live_keras_model_with_weights_of_its_own_can_be_given_others(tflite):
    untrained = subject("no_such.module:build")
    assert untrained.conditioned().source.conditioned
    assert untrained.conditioned().conditioned() is None
    assert subject(tflite).conditioned() is None
    assert subject("architectures/seed_cnn").conditioned() is None  # a case of the zoo is conditioned as it is built


def test_a_part_of_a_part_is_one_of_the_whole():
    """What a part calls its outputs are tensors of the whole network, which has outputs of the same names."""
    whole = Subject(id="net", source=Source(kind=SourceKind.KERAS, location="net.keras"))
    before_the_heads = whole.part(Cut(outputs=("logits:0", "boxes:0")))
    again = before_the_heads.part(Cut(inputs=("output_0:0",), outputs=("conv:0", "output_1:0")))
    assert again.source.cut == Cut(inputs=("logits:0",), outputs=("conv:0", "boxes:0"))
    assert again.whole() == whole
