"""Recognise what a model file really is from its bytes, without TensorFlow or onnx. Used by host and exporter.

Endings lie: the commonest listing on the web writes a TFLite flatbuffer into `frozen_graph.pb`. So content
decides, the ending is checked against it, and what does not fit is named with the way out.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from harness.errors import ModelRejectedError
from harness.pure.wire import WireFormatError, first_messages, read_fields
from harness.sources import SourceKind

_HEAD_NBYTES = 1 << 16
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_ENDINGS = {
    ".keras": SourceKind.KERAS,
    ".h5": SourceKind.H5,
    ".hdf5": SourceKind.H5,
    ".pb": SourceKind.PB,
    ".onnx": SourceKind.ONNX,
    ".tflite": SourceKind.TFLITE,
    ".lite": SourceKind.TFLITE,
}
_VARIABLE_OPS = frozenset({b"VarHandleOp", b"VariableV2", b"Variable", b"ReadVariableOp"})


class Content(StrEnum):
    """What bytes turn out to be, in the words of an error message."""

    TFLITE = "a TFLite flatbuffer"
    HDF5 = "an HDF5 file"
    ZIP = "a zip archive, as .keras files are"
    GRAPH_DEF = "a frozen GraphDef"
    SAVED_MODEL = "the saved_model.pb of a SavedModel"
    ONNX = "an ONNX model"
    TEXT_PROTO = "a text protobuf (.pbtxt)"
    UNKNOWN = "nothing this tool knows"


_KINDS = {
    Content.TFLITE: SourceKind.TFLITE,
    Content.HDF5: SourceKind.H5,
    Content.ZIP: SourceKind.KERAS,
    Content.GRAPH_DEF: SourceKind.PB,
    Content.ONNX: SourceKind.ONNX,
}
_EXPECTED = {
    SourceKind.KERAS: "a .keras file is a zip archive with config.json, metadata.json and model.weights.h5",
    SourceKind.H5: "an .h5 model is an HDF5 file",
    SourceKind.PB: "a .pb file is a serialised GraphDef",
    SourceKind.ONNX: "an .onnx file is a serialised ModelProto",
    SourceKind.TFLITE: "a .tflite file is a flatbuffer with the identifier TFL3 at byte 4",
}


def recognise(path: Path) -> SourceKind:
    """Return the kind of a model file or folder.

    Raises ModelRejectedError for what is missing, empty, broken, of an unknown ending, or not what its ending says.
    """
    if path.is_dir():
        return _recognise_folder(path)
    if not path.exists():
        raise ModelRejectedError(
            f"{path} does not exist; give a .keras, .h5, .pb, .onnx or .tflite file, a SavedModel folder, "
            "or package.module:callable"
        )
    ending = path.suffix.lower()
    if ending == ".pbtxt":
        raise ModelRejectedError(_TEXT_ADVICE.format(path=path))
    if ending not in _ENDINGS:
        raise ModelRejectedError(
            f"{path} has the ending {ending or '(none)'!r}, which says nothing; known are {', '.join(_ENDINGS)} and "
            f"SavedModel folders. Its content looks like {identify(path)}"
        )
    return _check(path, _ENDINGS[ending])


_TEXT_ADVICE = (
    "{path} is a text protobuf; OpenCV's .pbtxt files hold no weights and TensorFlow's are not read: write the binary "
    "form with tf.io.write_graph(graph_def, folder, 'frozen_graph.pb', as_text=False)"
)


def identify(path: Path) -> Content:
    """Return what a file's bytes are, whatever its name. Raises ModelRejectedError for an empty or unreadable file."""
    try:
        nbytes = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD_NBYTES)
    except OSError as error:
        raise ModelRejectedError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    if not head:
        raise ModelRejectedError(f"{path} is empty (0 bytes); copy or export it again")
    if head[4:8] == b"TFL3":
        return Content.TFLITE
    if head.startswith(_HDF5):
        return Content.HDF5
    if head.startswith(_ZIP):
        return Content.ZIP
    return _identify_protobuf(path, head, nbytes)


def _recognise_folder(path: Path) -> SourceKind:
    if (path / "saved_model.pb").is_file() or (path / "saved_model.pbtxt").is_file():
        return SourceKind.SAVED_MODEL
    inner = sorted(item.parent for item in path.glob("*/saved_model.pb"))
    hint = (
        f"; did you mean {inner[0]}?" if inner else "; give the folder that tf.saved_model.save or model.export wrote"
    )
    raise ModelRejectedError(f"{path} is a folder without saved_model.pb, so no SavedModel{hint}")


def _check(path: Path, named: SourceKind) -> SourceKind:
    content = identify(path)
    if content is Content.SAVED_MODEL:
        raise ModelRejectedError(
            f"{path} is {content}, not a frozen graph: its weights lie beside it in variables/; "
            f"give the folder: {path.resolve().parent}"
        )
    if content is Content.TEXT_PROTO:
        raise ModelRejectedError(_TEXT_ADVICE.format(path=path))
    found = _KINDS.get(content)
    if found is named:
        return _check_inside(path, named)
    if found is None:
        raise ModelRejectedError(
            f"{path} is broken, truncated or not a model: {_EXPECTED[named]}, and this is not one; "
            "export or copy it again"
        )
    raise ModelRejectedError(
        f"{path} is {content}, not {_NOT[named]}; rename it to {path.stem}{_ENDING_OF[found]}, or export what the "
        f"ending promises ({_EXPECTED[named]})"
    )


_NOT = {
    SourceKind.KERAS: "a .keras archive",
    SourceKind.H5: "an HDF5 file",
    SourceKind.PB: "a GraphDef",
    SourceKind.ONNX: "an ONNX model",
    SourceKind.TFLITE: "a TFLite flatbuffer",
}
_ENDING_OF = {
    SourceKind.KERAS: ".keras",
    SourceKind.H5: ".h5",
    SourceKind.PB: ".pb",
    SourceKind.ONNX: ".onnx",
    SourceKind.TFLITE: ".tflite",
}


def _check_inside(path: Path, kind: SourceKind) -> SourceKind:
    """Look further into formats whose outside says too little."""
    if kind is SourceKind.PB:
        variables = _variables(path.read_bytes())
        if variables:
            raise ModelRejectedError(
                f"{path} is an unfrozen graph: it has variables ({', '.join(variables[:3])}) but no values for them; "
                "freeze it with convert_variables_to_constants_v2, or give the SavedModel or .keras file it came from"
            )
    return kind


def _variables(data: bytes) -> list[str]:
    """Return the names of nodes that stand for variables: a graph with them was never frozen."""
    found = []
    for node in first_messages(data, number=1):
        name, op = _node_texts(node)
        if op in _VARIABLE_OPS:
            found.append(name.decode(errors="replace"))
    return found


def _node_texts(node: memoryview) -> tuple[bytes, bytes]:
    """Return the name and op of a NodeDef; empty where it has none."""
    try:
        fields = {field.number: field.value for field in read_fields(node) if isinstance(field.value, memoryview)}
    except WireFormatError:
        return b"", b""
    return bytes(fields.get(1, b"")), bytes(fields.get(2, b""))


def _identify_protobuf(path: Path, head: bytes, nbytes: int) -> Content:
    if _is_text(head):
        return (
            Content.TEXT_PROTO
            if any(mark in head for mark in (b"node {", b"node{", b"meta_graphs {", b"graph {"))
            else Content.UNKNOWN
        )
    data = head if nbytes <= len(head) else path.read_bytes()
    try:
        shapes = {(field.number, field.wire_type) for field in read_fields(data)}
    except WireFormatError:
        return Content.UNKNOWN
    if (7, 2) in shapes and (1, 0) in shapes:
        return Content.ONNX
    if (2, 2) in shapes and (1, 0) in shapes and shapes <= {(1, 0), (2, 2)}:
        return Content.SAVED_MODEL
    if (1, 2) in shapes and shapes <= {(1, 2), (2, 2), (3, 0), (4, 2), (5, 2)} and _has_nodes(data):
        return Content.GRAPH_DEF
    return Content.UNKNOWN


def _has_nodes(data: bytes) -> bool:
    """Whether the first message of field 1 looks like a NodeDef: a name and an op."""
    return any(all(_node_texts(node)) for node in first_messages(data, number=1, limit=1))


def _is_text(head: bytes) -> bool:
    sample = head[:512]
    return all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in sample)
