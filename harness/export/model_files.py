"""Openers for model files that hold a graph but no Keras layers: `.pb`, `.onnx`, `.tflite`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import ModelRejectedError
from harness.export import graphs, naming, shapes
from harness.export.network import Interface, Network, digest_arrays
from harness.manifests import TensorSpec
from harness.sources import Source


def open_pb(source: Source) -> Network:
    """Open a frozen GraphDef: its placeholders are the inputs, nodes that nobody consumes the outputs."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorflow.core.framework import graph_pb2

    path = Path(source.location)
    graph = graph_pb2.GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ModelRejectedError(
            f"{path} is truncated or corrupted: it starts like a GraphDef but does not parse; export it again"
        ) from error
    placeholders = [node.name for node in graph.node if node.op == "Placeholder"]
    network = from_graph(graph, source, kind="graphdef", placeholders=placeholders, tensors=loose_ends(graph))
    network.file = path
    return network


def from_graph(
    graph: Any, source: Source, *, kind: str, placeholders: Sequence[str], tensors: Sequence[str]
) -> Network:
    """Make a network of a frozen GraphDef with the given placeholders (nodes) and output tensors (`node:0`)."""
    specs, notes = shapes.make_static(_placeholder_specs(graph, placeholders), source.input_shapes)
    names = naming.clean(spec.name for spec in specs)
    try:
        function = graphs.wrap(graph, names, specs, tensors, placeholders)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelRejectedError(
            f"{source.location} is not a graph that TensorFlow can import: {error}; it may be corrupted, use custom "
            "ops, or not fit the input shape"
        ) from error
    arrays = _constants(graph)
    outputs = tuple(
        tensor_spec(name.partition(":")[0], tensor.shape, tensor.dtype)
        for name, tensor in zip(tensors, function.outputs, strict=True)
    )
    return Network(
        kind=kind,
        interface=Interface(
            inputs=specs, outputs=outputs, input_names=names, output_names=naming.outputs(len(outputs))
        ),
        weights_digest=digest_arrays(arrays),
        function=function,
        parameters=sum(int(array.size) for array in arrays if array.dtype.kind not in "iub"),
        notes=notes,
    )


def loose_ends(graph: Any) -> list[str]:
    """Return the tensors (`node:0`) of nodes that no other node consumes, in graph order.

    Raises ModelRejectedError when there are none: an empty or cyclic graph has no result.
    """
    consumed = {name.lstrip("^").partition(":")[0] for node in graph.node for name in node.input}
    silent = {"Placeholder", "Const", "NoOp", "Assert"}
    found = [f"{node.name}:0" for node in graph.node if node.name not in consumed and node.op not in silent]
    if not found:
        raise ModelRejectedError("the graph has no output: every node is consumed by another one, or it has no nodes")
    return found


def tensor_spec(name: str, shape: Any, dtype: Any) -> TensorSpec:
    """Make a spec of a TensorFlow shape and dtype. Raises ModelRejectedError for an unknown rank."""
    if shape.rank is None:
        raise ModelRejectedError(f"tensor {name!r} is of unknown rank; export the model with a known input shape")
    return TensorSpec(name=name, shape=tuple(shape.as_list()), dtype=dtype.name)


def refuse_nonfinite(names: Sequence[str], arrays: Sequence[Any]) -> None:
    """Raise ModelRejectedError naming the first array that holds NaN or infinity."""
    import numpy as np

    for name, array in zip(names, arrays, strict=True):
        if array.dtype.kind not in "iubOSU" and not np.isfinite(array.astype(np.float32)).all():
            raise ModelRejectedError(
                f"weights of {name!r} hold NaN or infinity, so nothing computed from them can be compared; "
                "load a checkpoint from before training diverged"
            )


def _placeholder_specs(graph: Any, placeholders: Sequence[str]) -> tuple[TensorSpec, ...]:
    import tensorflow as tf

    nodes = {node.name: node for node in graph.node}
    return tuple(
        tensor_spec(name, tf.TensorShape(nodes[name].attr["shape"].shape), tf.as_dtype(nodes[name].attr["dtype"].type))
        for name in placeholders
    )


def _constants(graph: Any) -> list[Any]:
    """Return the values of all constants worth digesting, in graph order; scalars of -inf are ordinary (masks)."""
    from tensorflow.python.framework.tensor_util import MakeNdarray

    nodes = [node for node in graph.node if node.op == "Const"]
    arrays = [MakeNdarray(node.attr["value"].tensor) for node in nodes]
    weights = [(node.name, array) for node, array in zip(nodes, arrays, strict=True) if array.size > 1]
    refuse_nonfinite([name for name, _ in weights], [array for _, array in weights])
    return [array for array in arrays if array.dtype.kind not in "OSU"]


def open_onnx(source: Source) -> Network:
    """Open an ONNX model: inputs are the graph inputs that are not initialisers."""
    import onnx
    from google.protobuf.message import DecodeError

    path = Path(source.location)
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError, OSError) as error:
        raise ModelRejectedError(f"{path} is not a valid ONNX model: {_first_line(error)}; export it again") from error
    arrays = [onnx.numpy_helper.to_array(item) for item in model.graph.initializer]
    refuse_nonfinite([item.name for item in model.graph.initializer], arrays)
    initial = {item.name for item in model.graph.initializer}
    declared = [_onnx_spec(value) for value in model.graph.input if value.name not in initial]
    specs, notes = shapes.make_static(declared, source.input_shapes)
    outputs = tuple(_onnx_spec(value) for value in model.graph.output)
    parameters = sum(int(array.size) for array in arrays if array.dtype.kind == "f")
    return _file_network("onnx", path, specs, outputs, notes, parameters)


def _onnx_spec(value: Any) -> TensorSpec:
    import onnx

    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        raise ModelRejectedError(
            f"tensor {value.name!r} is of unknown rank; run onnx.shape_inference.infer_shapes on it"
        )
    shape = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in tensor.shape.dim)
    text = tensor.elem_type == onnx.TensorProto.STRING  # numpy calls it "object"
    dtype = "string" if text else onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    return TensorSpec(name=value.name, shape=shape, dtype=dtype)


def open_tflite(source: Source) -> Network:
    """Open a TFLite flatbuffer by TensorFlow Lite's own interpreter."""
    import tensorflow as tf

    path = Path(source.location)
    try:
        # By content, which it verifies: a truncated file opened by its path kills the process.
        interpreter = tf.lite.Interpreter(model_content=path.read_bytes())
    except (ValueError, RuntimeError) as error:
        raise ModelRejectedError(
            f"{path} starts like a TFLite flatbuffer but cannot be opened: {_first_line(error)}; export it again"
        ) from error
    declared = [_tflite_spec(detail) for detail in interpreter.get_input_details()]
    specs, notes = shapes.make_static(declared, source.input_shapes)
    outputs = tuple(_tflite_spec(detail) for detail in interpreter.get_output_details())
    return _file_network("tflite", path, specs, outputs, notes, 0)


def _tflite_spec(detail: dict[str, Any]) -> TensorSpec:
    import numpy as np

    open_shape = detail.get("shape_signature", detail["shape"])
    shape = tuple(None if size < 0 else int(size) for size in open_shape)
    return TensorSpec(name=detail["name"], shape=shape, dtype=np.dtype(detail["dtype"]).name)


def _file_network(
    kind: str,
    path: Path,
    inputs: tuple[TensorSpec, ...],
    outputs: tuple[TensorSpec, ...],
    notes: tuple[str, ...],
    parameters: int,
) -> Network:
    """Make a network that is only its file: names are the file's own, as the route `as-is` must keep them."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Network(
        kind=kind,
        interface=Interface(
            inputs=inputs,
            outputs=outputs,
            input_names=tuple(spec.name for spec in inputs),
            output_names=tuple(spec.name for spec in outputs),
        ),
        weights_digest=digest,
        file=path,
        parameters=parameters,
        notes=notes,
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
