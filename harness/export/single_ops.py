"""Every distinct operation of an ONNX file as a model of its own: what OpenCV takes is found by handing it over.

What a node takes from other nodes becomes an input; floats, so that any OpenCV can be given it, and cast where the node
wants something else. Constants stay constants: importers read axes and sizes from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import ExportFailedError
from harness.manifests import Manifest, OpEntry, Port, TensorSpec

_SHOWN = 400
_TELLING = 16
"""A constant of so many elements may be an axis or a size, which tells one operation from another."""


def single_ops(source: Path, manifest: Manifest, folder: Path) -> tuple[OpEntry, ...]:
    """Write one model for each distinct operation of an ONNX file; returns what each is, in the order of first use.

    Raises ExportFailedError for a file that ONNX's own shape inference cannot read.
    """
    graph = _Graph(source)
    found: dict[str, list[Any]] = {}
    for node in graph.nodes:
        found.setdefault(graph.likeness(node), []).append(node)
    return tuple(
        _entry(graph, nodes, manifest, folder / f"op_{place}.onnx") for place, nodes in enumerate(found.values())
    )


def _entry(graph: _Graph, nodes: Sequence[Any], manifest: Manifest, target: Path) -> OpEntry:
    node = nodes[0]
    layers = dict.fromkeys(manifest.node_layers.get(one.name, "") for one in nodes)
    alone = graph.alone(node)
    if alone is not None:
        target.write_bytes(alone.SerializeToString(deterministic=True))
    return OpEntry(
        op=node.op_type,
        attributes=_attributes(node),
        inputs=tuple(graph.shown(name) for name in node.input if name),
        count=len(nodes),
        layers=tuple(layer for layer in layers if layer),
        manifest=None if alone is None else _manifest(alone, manifest, target.name),
    )


def _manifest(model: Any, whole: Manifest, file: str) -> Manifest:
    return Manifest(
        route=whole.route,
        format="onnx",
        file=file,
        inputs=tuple(_port(value) for value in model.graph.input),
        outputs=tuple(_port(value) for value in model.graph.output),
        weights_digest=whole.weights_digest,
        opset=whole.opset,
    )


def _port(value: Any) -> Port:
    shape = tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
    return Port(name=value.name, tensor=TensorSpec(name=value.name, shape=shape))


class _Graph:
    """An ONNX graph in which shapes are known."""

    def __init__(self, source: Path) -> None:
        import onnx

        try:
            self._model = onnx.shape_inference.infer_shapes(onnx.load(source), data_prop=True)
        except Exception as error:  # the file is somebody else's, and onnx raises what it likes
            raise ExportFailedError(f"ONNX cannot infer the shapes of {source.name}: {error}") from error
        graph = self._model.graph
        self._initial = {tensor.name: tensor for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
                self._initial[node.output[0]] = _renamed(node.attribute[0].t, node.output[0])
        self.nodes = [node for node in graph.node if node.op_type != "Constant"]
        self._types = {value.name: value.type.tensor_type for value in (*graph.value_info, *graph.input, *graph.output)}

    def likeness(self, node: Any) -> str:
        """Return the digest of what a node computes on which shapes, whatever its weights."""
        digest = hashlib.sha256(f"{node.domain}:{node.op_type}".encode())
        for attribute in sorted(node.attribute, key=lambda one: one.name):
            digest.update(attribute.SerializeToString(deterministic=True))
        for name in node.input:
            digest.update(self._telling(name).encode() + b";")
        digest.update(str([bool(name) for name in node.output]).encode())
        return digest.hexdigest()

    def shown(self, name: str) -> str:
        """Return a tensor's dtype and shape as text, and that it is constant where it is."""
        if name in self._initial:
            tensor = self._initial[name]
            return f"constant {_dtype(tensor.data_type)}{list(tensor.dims)}"
        known = self._types.get(name)
        return "?" if known is None else f"{_dtype(known.elem_type)}{_shape(known)}"

    def alone(self, node: Any) -> Any | None:
        """Return a model of one node; None where a shape is not known or an output is no tensor of numbers."""
        import onnx
        from onnx import helper

        entries = list(dict.fromkeys(name for name in node.input if name and name not in self._initial))
        ends = [name for name in node.output if name]
        if not entries or not all(self._is_known(name) for name in [*entries, *ends]) or _has_graphs(node):
            return None
        before, inputs = self._ends(entries, cast_to=True)
        after, outputs = self._ends(ends, cast_to=False)
        constants = [self._initial[name] for name in dict.fromkeys(node.input) if name in self._initial]
        graph = helper.make_graph([*before, node, *after], "single", inputs, outputs, initializer=constants)
        model = helper.make_model(graph, opset_imports=self._model.opset_import, ir_version=self._model.ir_version)
        try:
            onnx.checker.check_model(model)
        except onnx.checker.ValidationError:
            return None
        return model

    def _ends(self, names: Iterable[str], *, cast_to: bool) -> tuple[list[Any], list[Any]]:
        """Return the casts between floats and what tensors are, and the graph's own inputs or outputs."""
        from onnx import TensorProto, helper

        casts, values = [], []
        for name in names:
            known = self._types[name]
            end = name
            if known.elem_type != TensorProto.FLOAT:
                end = f"{name}__float"
                ways = ([end], [name], known.elem_type) if cast_to else ([name], [end], TensorProto.FLOAT)
                casts.append(helper.make_node("Cast", ways[0], ways[1], name=f"{name}__cast", to=ways[2]))
            values.append(helper.make_tensor_value_info(end, TensorProto.FLOAT, _shape(known)))
        return casts, values

    def _is_known(self, name: str) -> bool:
        known = self._types.get(name)
        return (
            known is not None
            and known.HasField("shape")
            and all(axis.HasField("dim_value") and axis.dim_value > 0 for axis in known.shape.dim)
        )

    def _telling(self, name: str) -> str:
        if name not in self._initial or int(np.prod(self._initial[name].dims)) > _TELLING:
            return self.shown(name)
        from onnx import numpy_helper

        value = numpy_helper.to_array(self._initial[name])
        weight = value.dtype.kind == "f" and value.size > 1
        return self.shown(name) if weight else f"{self.shown(name)}={value.tolist()}"


def _renamed(tensor: Any, name: str) -> Any:
    copy = type(tensor)()
    copy.CopyFrom(tensor)
    copy.name = name
    return copy


def _has_graphs(node: Any) -> bool:
    """Whether a node has a body of its own, which may use tensors from around it."""
    return any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)


def _attributes(node: Any) -> str:
    from onnx import helper

    words = (helper.printable_attribute(attribute) for attribute in sorted(node.attribute, key=lambda one: one.name))
    text = ", ".join(words)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."


def _shape(known: Any) -> list[int]:
    return [axis.dim_value for axis in known.shape.dim]


def _dtype(number: int) -> str:
    from onnx import helper

    return str(np.dtype(helper.tensor_dtype_to_np_dtype(number)))
