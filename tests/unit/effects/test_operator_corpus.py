from __future__ import annotations

import io

import numpy as np
import pytest

from harness.effects import operator_corpus
from harness.effects.artifacts import ArtifactStore
from harness.effects.operator_corpus import Corpus, manifest, provide
from harness.errors import HarnessError, UsageError
from harness.manifests import Layout
from harness.operators import OperatorCase


def case(name: str, operator: str, **more: object) -> OperatorCase:
    given = {
        "inputs": ("x", "n"),
        "outputs": ("y",),
        "input_dtypes": (("bool", "int64"),) * 2,
        "output_dtypes": (("float32",),) * 2,
    }
    return OperatorCase(id=name, operator=operator, ops={operator: 1}, opsets={"ai.onnx": 13}, **(given | more))


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    cases = (case("node/test_conv", "Conv"), case("node/test_abs", "Abs"), case("simple/test_conv", "Conv"))
    folder = tmp_path / "node/test_conv"
    folder.mkdir(parents=True)
    for index in range(2):
        stream = io.BytesIO()
        for array in (np.array([True]), np.array(index), np.ones((2, 0), np.float32)):
            np.save(stream, array)
        (folder / f"data_{index}.npys").write_bytes(stream.getvalue())
    return Corpus(folder=tmp_path, key="k", source="onnx 1", cases=cases)


def test_cases_are_chosen_by_id_name_or_operator(corpus):
    def chosen(wanted: str) -> list[str]:
        return [case.id for case in corpus.select(wanted)]

    assert chosen("*") == ["node/test_conv", "node/test_abs", "simple/test_conv"]
    assert chosen("node/*") == ["node/test_conv", "node/test_abs"]
    assert chosen("test_conv") == chosen("Conv") == ["node/test_conv", "simple/test_conv"]
    with pytest.raises(UsageError, match="no backend test of onnx 1 is called 'conv'"):
        corpus.select("conv")


def test_every_data_set_is_read_in_its_own_dtypes_and_shapes(corpus):
    sets = corpus.data_sets(corpus.cases[0])
    assert [(inputs[0].dtype.name, inputs[1].shape, int(inputs[1])) for inputs, _ in sets] == [
        ("bool", (), 0),
        ("bool", (), 1),
    ]
    assert sets[0][1][0].shape == (2, 0)
    assert corpus.data_sets(case("node/test_seq", "SequenceAt", not_expressible="a sequence")) == ()


def test_a_model_is_described_by_its_names(corpus):
    told = manifest(corpus.cases[0])
    assert [port.name for port in told.inputs] == ["x", "n"]
    assert {port.layout for port in (*told.inputs, *told.outputs)} == {Layout.AS_KERAS}
    assert corpus.model(corpus.cases[0]).parts[-3:] == ("node", "test_conv", "model.onnx")


def test_a_corpus_that_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(operator_corpus, "_PROGRAM", "harness.no_such_program")
    with pytest.raises(HarnessError, match="no_such_program"):
        provide(ArtifactStore(tmp_path))
    assert not list(tmp_path.rglob("cases.jsonl"))
