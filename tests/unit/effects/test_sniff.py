"""Files are what their bytes say; a name that says otherwise is answered with both."""

from __future__ import annotations

import zipfile

import pytest
from onnx import TensorProto, helper

from harness.effects.sniff import Content, identify, recognise
from harness.errors import ModelRejectedError
from harness.sources import SourceKind

TFLITE = b"\x1c\x00\x00\x00TFL3" + bytes(64)
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(64)


def message(number: int, content: bytes) -> bytes:
    """A length-delimited field of fewer than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def graph_def(*ops: str) -> bytes:
    nodes = b"".join(message(1, message(1, op.lower().encode()) + message(2, op.encode())) for op in ops)
    return nodes + message(4, b"\x08\x01")


SAVED_MODEL = b"\x08\x01" + message(2, message(1, b"meta"))


def onnx_model() -> bytes:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 2))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 2))
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    return helper.make_model(graph).SerializeToString()


@pytest.fixture
def archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "zip", "w") as file:
        file.writestr("config.json", "{}")
    return (tmp_path / "zip").read_bytes()


@pytest.fixture
def write(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def test_honest_files_are_recognised(write, archive):
    assert recognise(write("m.tflite", TFLITE)) is SourceKind.TFLITE
    assert recognise(write("m.h5", HDF5)) is SourceKind.H5
    assert recognise(write("m.keras", archive)) is SourceKind.KERAS
    assert recognise(write("m.pb", graph_def("Placeholder", "Relu"))) is SourceKind.PB
    assert recognise(write("m.onnx", onnx_model())) is SourceKind.ONNX


def test_a_saved_model_is_its_folder(tmp_path, write):
    path = write("saved_model.pb", SAVED_MODEL)
    assert recognise(tmp_path) is SourceKind.SAVED_MODEL
    with pytest.raises(ModelRejectedError, match=f"not a frozen graph.*give the folder: {tmp_path}"):
        recognise(path)
    with pytest.raises(ModelRejectedError, match=f"did you mean {tmp_path}"):
        recognise(tmp_path.parent)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("frozen_graph.pb", TFLITE, "a TFLite flatbuffer, not a GraphDef; rename it to frozen_graph.tflite"),
        ("model.pb", onnx_model(), "an ONNX model, not a GraphDef; rename it to model.onnx"),
        ("model.onnx", graph_def("Relu"), "a frozen GraphDef, not an ONNX model; rename it to model.pb"),
        ("model.keras", HDF5, "an HDF5 file, not a .keras archive; rename it to model.h5"),
        ("model.pb", graph_def("VarHandleOp", "Relu"), r"an unfrozen graph: it has variables \(varhandleop\)"),
        ("model.pb", graph_def("VariableV2"), "an unfrozen graph"),
        ("model.pb", b'node {\n  name: "x"\n  op: "Placeholder"\n}\n', "text protobuf.*as_text=False"),
        ("model.pbtxt", b"node {\n}", "text protobuf"),
        ("model.pb", b"", r"is empty \(0 bytes\)"),
        ("model.onnx", onnx_model()[:-3], "broken, truncated or not a model"),
        ("model.pb", bytes(range(1, 200)), "broken, truncated or not a model"),
        ("model.tflite", b"hello, I am a text file", "broken.*identifier TFL3"),
        ("model.bin", TFLITE, r"'.bin', which says nothing.*looks like a TFLite flatbuffer"),
    ],
)
def test_what_is_not_what_its_name_says_is_named(write, name, data, words):
    with pytest.raises(ModelRejectedError, match=words):
        recognise(write(name, data))


def test_a_zip_named_h5_is_named(write, archive):
    with pytest.raises(ModelRejectedError, match=r"a zip archive, as \.keras files are, not an HDF5 file"):
        recognise(write("model.h5", archive))


def test_missing_file_and_plain_folder(tmp_path):
    with pytest.raises(ModelRejectedError, match="does not exist"):
        recognise(tmp_path / "nothing.keras")
    with pytest.raises(ModelRejectedError, match=r"a folder without saved_model\.pb"):
        recognise(tmp_path)


def test_a_saved_model_with_its_variables_is_no_graph(write):
    assert identify(write("x", SAVED_MODEL)) is Content.SAVED_MODEL
