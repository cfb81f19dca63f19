"""Writing TFLite flatbuffers for `readNetFromTFLite`, and reading their ops and tensor names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import ExportFailedError
from harness.export import graphs
from harness.export.layouts import image_as_nchw
from harness.export.network import Network
from harness.records import Manifest, Port

_FILE = "model.tflite"


def export(network: Network, folder: Path) -> Manifest:
    """Convert the frozen function: its plain ops load where those on variables do not."""
    frozen = graphs.freeze_function(network.function)
    data = _convert(frozen, network.model)
    model = _unpack(data)
    interface = network.interface
    _rename(model, interface.input_names, interface.output_names)
    (folder / _FILE).write_bytes(_pack(model))
    return _manifest(network, "tflite", model, "TFLiteConverter on the frozen function, float32, no optimisation")


def export_naive(network: Network, folder: Path) -> Manifest:
    """Convert the function that still holds Keras's variables, as articles do."""
    data = _convert(network.function, network.model)
    (folder / _FILE).write_bytes(data)
    return _manifest(network, "tflite-naive", _unpack(data), "TFLiteConverter on the function with its variables")


def _convert(function: Any, trackable: Any) -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], trackable or tf.Module())
    try:
        return bytes(converter.convert())
    except Exception as error:
        raise ExportFailedError(f"TFLiteConverter: {type(error).__name__}: {_reason(str(error))}") from error


def _manifest(network: Network, route: str, model: Any, note: str) -> Manifest:
    interface = network.interface
    inputs, outputs = interface_names(model)
    if len(inputs) != len(interface.inputs) or len(outputs) != len(interface.outputs):
        raise ExportFailedError(
            f"TFLiteConverter wrote {len(inputs)} inputs and {len(outputs)} outputs; "
            f"the model has {len(interface.inputs)} and {len(interface.outputs)}"
        )
    return Manifest(
        route=route,
        format="tflite",
        file=_FILE,
        inputs=tuple(
            Port(name=name, tensor=spec, layout=image_as_nchw(spec))
            for name, spec in zip(inputs, interface.inputs, strict=True)
        ),
        outputs=tuple(
            Port(name=name, tensor=spec, layout=image_as_nchw(spec))
            for name, spec in zip(outputs, interface.outputs, strict=True)
        ),
        weights_digest=network.weights_digest,
        ops=operations(model),
        node_layers=network.node_layers(tensor_names(model)),
        notes=(*network.notes, note),
    )


def read(path: Path) -> Any:
    """Return the flatbuffer of a file as the schema's object tree."""
    return _unpack(path.read_bytes())


def interface_names(model: Any) -> tuple[list[str], list[str]]:
    """Return the tensor names of the main subgraph's inputs and outputs, which OpenCV uses."""
    graph = model.subgraphs[0]
    return [_name(graph.tensors[i]) for i in graph.inputs], [_name(graph.tensors[i]) for i in graph.outputs]


def tensor_names(model: Any) -> list[str]:
    """Return the names of all tensors that operators of the main subgraph produce: OpenCV's layer names."""
    graph = model.subgraphs[0]
    return [_name(graph.tensors[i]) for operator in graph.operators for i in operator.outputs]


def operations(model: Any) -> dict[str, int]:
    """Count the operators of all subgraphs, by their names in the schema."""
    from tensorflow.lite.python import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    codes = [names.get(max(code.builtinCode, code.deprecatedBuiltinCode), "UNKNOWN") for code in model.operatorCodes]
    return dict(sorted(Counter(codes[op.opcodeIndex] for graph in model.subgraphs for op in graph.operators).items()))


def _rename(model: Any, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Give the converter's tensors the interface's names; an output that is also an input keeps the input's."""
    graph = model.subgraphs[0]
    if len(graph.inputs) != len(inputs) or len(graph.outputs) != len(outputs):
        return  # `_manifest` says so
    names = dict(zip(graph.outputs, outputs, strict=True)) | dict(zip(graph.inputs, inputs, strict=True))
    for index, name in names.items():
        graph.tensors[index].name = name.encode()


def _unpack(data: bytes) -> Any:
    from tensorflow.lite.python import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(data, 0)


def _pack(model: Any) -> bytes:
    import flatbuffers  # type: ignore[import-untyped]

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _name(tensor: Any) -> str:
    return str(tensor.name.decode() if isinstance(tensor.name, bytes) else tensor.name)


def _reason(text: str, limit: int = 600) -> str:
    """Keep the lines that name what is wrong; MLIR prints whole call stacks around them."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line or "not supported" in line or "Error" in line]
    return " | ".join(dict.fromkeys(telling or lines[:3]))[:limit]
