"""Taking a user's `.pb`, `.onnx` or `.tflite` file unchanged: what is already deployed is what is judged."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from harness.errors import ExportFailedError
from harness.export import onnx_files, pb, tflite_files
from harness.export.network import Network
from harness.manifests import Manifest, Port
from harness.sources import SourceKind


def export(network: Network, folder: Path) -> Manifest:
    """Copy the file and read its ports from it. Raises ExportFailedError for a network that came from no file."""
    if network.file is None:
        raise ExportFailedError(f"a {network.kind} source is no file that OpenCV could load as it is")
    kind, describe = _KINDS[network.kind]
    name = f"model.{kind}"
    shutil.copyfile(network.file, folder / name)
    manifest = Manifest(
        route="as-is",
        format=kind,
        file=name,
        inputs=(),
        outputs=(),
        weights_digest=network.weights_digest,
        notes=(*network.notes, "the file as it was given"),
    )
    return describe(network, network.file, manifest)


def _describe_pb(network: Network, file: Path, manifest: Manifest) -> Manifest:
    from tensorflow.core.framework import graph_pb2

    graph = graph_pb2.GraphDef.FromString(file.read_bytes())
    interface = network.interface
    outputs = [pb.producer(graph, spec.name) for spec in interface.outputs]
    return replace(
        manifest,
        inputs=pb.input_ports([spec.name for spec in interface.inputs], interface.inputs),
        outputs=pb.output_ports(graph, outputs, interface.outputs),
        ops=pb.operations(graph),
    )


def _describe_onnx(network: Network, file: Path, manifest: Manifest) -> Manifest:
    import onnx

    model = onnx.load(file, load_external_data=False)
    interface = network.interface
    return replace(
        manifest,
        inputs=tuple(Port(name=spec.name, tensor=spec) for spec in interface.inputs),
        outputs=tuple(Port(name=spec.name, tensor=spec) for spec in interface.outputs),
        ops=onnx_files.operations(model),
        opset=onnx_files.opset_of(model),
    )


def _describe_tflite(network: Network, file: Path, manifest: Manifest) -> Manifest:
    model = tflite_files.read(file)
    graph, interface = model.subgraphs[0], network.interface
    return replace(
        manifest,
        inputs=tflite_files.ports(model, [int(index) for index in graph.inputs], interface.inputs),
        outputs=tflite_files.ports(model, [int(index) for index in graph.outputs], interface.outputs),
        ops=tflite_files.operations(model),
    )


_KINDS = {
    "graphdef": (SourceKind.PB.value, _describe_pb),
    "onnx": (SourceKind.ONNX.value, _describe_onnx),
    "tflite": (SourceKind.TFLITE.value, _describe_tflite),
}
