"""Taking a user's `.pb`, `.onnx` or `.tflite` file unchanged: what is already deployed is what is judged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from harness.errors import ExportFailedError
from harness.export import onnx_files, pb, tflite_files
from harness.export.layouts import as_keras, image_as_nchw
from harness.export.network import Network
from harness.records import Layout, Manifest, Port, TensorSpec


def export(network: Network, folder: Path) -> Manifest:
    """Copy the file and read its ports from it. Raises ExportFailedError for a network that came from no file."""
    if network.file is None:
        raise ExportFailedError(f"a {network.kind} source is no file that OpenCV could load as it is")
    kind = network.file.suffix.lower().removeprefix(".").replace("lite", "tflite").replace("tftflite", "tflite")
    name = f"model.{kind}"
    shutil.copyfile(network.file, folder / name)
    return _DESCRIBE[kind](network, name)


def _describe_pb(network: Network, file: str) -> Manifest:
    from tensorflow.core.framework import graph_pb2

    assert network.file is not None
    graph = graph_pb2.GraphDef.FromString(network.file.read_bytes())
    outputs = tuple(pb.producer(graph, spec.name) for spec in network.interface.outputs)
    return _manifest(network, "pb", file, image_as_nchw, pb.operations(graph), output_names=outputs)


def _describe_onnx(network: Network, file: str) -> Manifest:
    import onnx

    assert network.file is not None
    model = onnx.load(network.file, load_external_data=False)
    return _manifest(network, "onnx", file, as_keras, onnx_files.operations(model), opset=onnx_files.opset(model))


def _describe_tflite(network: Network, file: str) -> Manifest:
    assert network.file is not None
    return _manifest(network, "tflite", file, image_as_nchw, tflite_files.operations(tflite_files.read(network.file)))


_DESCRIBE = {"pb": _describe_pb, "onnx": _describe_onnx, "tflite": _describe_tflite}


def _manifest(
    network: Network,
    kind: str,
    file: str,
    layout: Callable[[TensorSpec], Layout],
    ops: dict[str, int],
    *,
    opset: int | None = None,
    output_names: tuple[str, ...] | None = None,
) -> Manifest:
    interface = network.interface
    names = output_names or tuple(spec.name for spec in interface.outputs)
    return Manifest(
        route="as-is",
        format=kind,
        file=file,
        inputs=tuple(Port(name=spec.name, tensor=spec, layout=layout(spec)) for spec in interface.inputs),
        outputs=tuple(
            Port(name=name, tensor=spec, layout=layout(spec))
            for name, spec in zip(names, interface.outputs, strict=True)
        ),
        weights_digest=network.weights_digest,
        ops=ops,
        opset=opset,
        notes=(*network.notes, "the file as it was given"),
    )
