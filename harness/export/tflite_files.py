"""Writing TFLite flatbuffers for `readNetFromTFLite`, and reading their ops and tensor names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import ExportFailedError
from harness.export import tflite_rewrites
from harness.export.layouts import Step, Tensors, image_layout, layout_of
from harness.export.network import Network
from harness.export.sizes import function_nbytes, refuse_too_large
from harness.manifests import Manifest, Port, TensorSpec

_FILE = "model.tflite"
_PLACE = re.compile(r"(?:\S*\.py|<unknown>):\d+(?::\d+)?: ")
"""Where in our own files, or nowhere, MLIR says that an op comes from."""


def export(network: Network, folder: Path) -> Manifest:
    """Convert the function alone: without its Keras model the converter freezes it, and plain ops load."""
    refuse_too_large(function_nbytes(network.unrolled))
    network.drop_frozen()  # the converter needs all the room there is
    data = _convert(network.unrolled, None)
    model = _unpack(data)
    interface = network.interface
    _rename(model, interface.input_names, interface.output_names)
    tflite_rewrites.unfuse_output_activations(model)
    (folder / _FILE).write_bytes(_pack(model))
    return _manifest(network, "tflite", model, "TFLiteConverter on the frozen function, float32, no optimisation")


def export_naive(network: Network, folder: Path) -> Manifest:
    """Convert the function that still holds Keras's variables, as articles do."""
    data = _convert(network.function, network.model or _nothing())
    (folder / _FILE).write_bytes(data)
    return _manifest(network, "tflite-naive", _unpack(data), "TFLiteConverter on the function with its variables")


def _convert(function: Any, trackable: Any) -> bytes:
    """Convert a function; one that is given what holds its variables keeps them as variables."""
    import tensorflow as tf

    trackables = () if trackable is None else (trackable,)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], *trackables)
    try:
        return bytes(converter.convert())
    except Exception as error:
        raise ExportFailedError(f"TFLiteConverter: {type(error).__name__}: {_reason(str(error))}") from error


def _nothing() -> Any:
    import tensorflow as tf

    return tf.Module()


def _manifest(network: Network, route: str, model: Any, note: str) -> Manifest:
    interface = network.interface
    inputs, outputs = ordered_ports(model, interface.input_names, interface.output_names)
    return Manifest(
        route=route,
        format="tflite",
        file=_FILE,
        inputs=ports(model, inputs, interface.inputs),
        outputs=ports(model, outputs, interface.outputs),
        weights_digest=network.weights_digest,
        ops=operations(model),
        node_layers=network.node_layers(tensor_names(model)),
        notes=(*network.notes, note),
    )


def ports(model: Any, indices: Sequence[int], specs: Sequence[TensorSpec]) -> tuple[Port, ...]:
    """Describe tensors of the main subgraph as OpenCV's importer names and lays them out."""
    graph, tensors = model.subgraphs[0], _read_tensors(model)
    inputs = {int(index) for index in graph.inputs}
    return tuple(
        Port(
            name=_name(graph.tensors[index]),
            tensor=spec,
            layout=image_layout(len(spec.shape)) if index in inputs else layout_of(str(index), tensors),
        )
        for index, spec in zip(indices, specs, strict=True)
    )


def ordered_ports(model: Any, inputs: Sequence[str], outputs: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return tensor indices in the order of the given names, which the converter's signature still knows.

    The subgraph's own order is another one: a function that returns a, b, c, d was written as b, d, a, c.
    Raises ExportFailedError when the converter wrote another number of them.
    """
    graph = model.subgraphs[0]
    signature = model.signatureDefs[0] if model.signatureDefs else None
    found = []
    for names, indices, maps in (
        (inputs, graph.inputs, signature and signature.inputs),
        (outputs, graph.outputs, signature and signature.outputs),
    ):
        by_name = {_text(entry.name): int(entry.tensorIndex) for entry in maps or ()}
        ordered = [by_name[name] for name in names] if set(by_name) == set(names) else [int(i) for i in indices]
        if len(ordered) != len(names):
            raise ExportFailedError(f"TFLiteConverter wrote {len(ordered)} tensors for {', '.join(names)}")
        found.append(ordered)
    return found[0], found[1]


def read(path: Path) -> Any:
    """Return the flatbuffer of a file as the schema's object tree."""
    return _unpack(path.read_bytes())


def tensor_names(model: Any) -> list[str]:
    """Return the names of all tensors that operators of the main subgraph produce: OpenCV's layer names."""
    graph = model.subgraphs[0]
    return [_name(graph.tensors[i]) for operator in graph.operators for i in operator.outputs]


def operations(model: Any) -> dict[str, int]:
    """Count the operators of all subgraphs, by their names in the schema."""
    names = _operator_names(model)
    return dict(sorted(Counter(names[op.opcodeIndex] for graph in model.subgraphs for op in graph.operators).items()))


def _operator_names(model: Any) -> list[str]:
    from tensorflow.lite.python import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    return [names.get(max(code.builtinCode, code.deprecatedBuiltinCode), "UNKNOWN") for code in model.operatorCodes]


def _rename(model: Any, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Give the converter's tensors the interface's names; an output that is also an input keeps the input's."""
    graph = model.subgraphs[0]
    found_inputs, found_outputs = ordered_ports(model, inputs, outputs)
    names = dict(zip(found_outputs, outputs, strict=True)) | dict(zip(found_inputs, inputs, strict=True))
    for index, name in names.items():
        graph.tensors[index].name = name.encode()


def _read_tensors(model: Any) -> Tensors:
    """Return rank and origin of every tensor of the main subgraph, keyed by its index as text."""
    graph, names = model.subgraphs[0], _operator_names(model)
    computed = {int(i) for operator in graph.operators for i in operator.outputs} | {int(i) for i in graph.inputs}
    steps = {
        str(index): _step(model, operator, names[operator.opcodeIndex], computed)
        for operator in graph.operators
        for index in operator.outputs
    }
    ranks = {str(index): _rank(tensor) for index, tensor in enumerate(graph.tensors)}
    return Tensors(steps=steps, ranks=ranks)


def _step(model: Any, operator: Any, name: str, computed: set[int]) -> Step:
    import numpy as np

    sources = [str(index) for index in operator.inputs if int(index) in computed]
    permutation = None
    if name == "TRANSPOSE":
        data = model.buffers[model.subgraphs[0].tensors[operator.inputs[1]].buffer].data
        permutation = None if data is None else tuple(np.asarray(data, np.uint8).view(np.int32).tolist())
    return Step(op=name, source=sources[0] if sources else None, permutation=permutation)


def _rank(tensor: Any) -> int:
    return 0 if tensor.shape is None else len(tensor.shape)


def _unpack(data: bytes) -> Any:
    from tensorflow.lite.python import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(data, 0)


def _pack(model: Any) -> bytes:
    import flatbuffers  # type: ignore[import-untyped]

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _name(tensor: Any) -> str:
    return _text(tensor.name)


def _text(name: Any) -> str:
    return str(name.decode() if isinstance(name, bytes) else name)


def _reason(text: str, limit: int = 600) -> str:
    """Keep the lines that name what is wrong; MLIR prints whole call stacks around them, and places in our files."""
    lines = [line.strip() for line in _PLACE.sub("", text).splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line or "not supported" in line or "Error" in line]
    return " | ".join(dict.fromkeys(telling or lines[:3]))[:limit]
