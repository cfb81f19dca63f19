"""Programs of delivered models: names from models stay names in every language."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.faces.snippets import Blob, Example, cpp_literal, programs
from harness.pure.contracts import Contract, End

HOSTILE = 'x"); system("rm -rf ~"); //\n\\"""\u2028??/ `|<script>'


def contract(name: str, engine: str | None = None) -> Contract:
    end = End(name=name, keras_name=name, keras_shape=(1, 4), opencv_shape=(1, 4), layout="as-keras", dtype="float32")
    return Contract(
        model="model.onnx",
        sha256="",
        format="onnx",
        route="onnx",
        opset=13,
        importer="readNetFromONNX",
        engine=engine,
        free_batch=False,
        preprocessing="",
        inputs=(end,),
        outputs=(end, end),
        verified=(),
    )


def written(name: str, engine: str | None = None) -> dict[str, str]:
    blob = Blob(shape=(1, 4), type="CV_32F")
    return programs(name, contract(name, engine), Example(inputs=(blob,), outputs=(blob, blob), allowed=(1e-5, 1e-6)))


def test_a_name_is_one_literal_in_python():
    tree = ast.parse(written(HOSTILE)["run.py"])
    inputs = next(node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "INPUTS")
    assert ast.literal_eval(inputs) == [(HOSTILE, "as-keras", "float32")]
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "system" not in calls


@given(st.text())
def test_a_literal_of_cpp_holds_any_text_and_ends_where_it_should(text):
    literal = cpp_literal(text)
    assert literal.isascii()
    assert literal.isprintable()
    assert '"' not in literal[1:-1]
    assert "?" not in literal
    assert ast.literal_eval(f"b{literal}") == text.encode("utf-8", "surrogatepass")  # the same octal escapes


def test_the_page_keeps_its_table():
    page = written(HOSTILE)["README.md"]
    rows = [line for line in page.splitlines() if line.startswith(("| input", "| output"))]
    assert len(rows) == 3
    assert {row.count("|") for row in rows} == {8}
    assert "<script>" not in page.splitlines()[0].replace("\\<script\\>", "")


@pytest.mark.parametrize(("engine", "words"), [(None, "'model.onnx'))"), ("CLASSIC", "engine=cv2.dnn.ENGINE_CLASSIC)")])
def test_an_engine_is_asked_for_where_one_was(engine, words):
    assert words in written("x", engine)["run.py"]
    assert ("ENGINE" in written("x", engine)["run.cpp"]) is (engine is not None)
