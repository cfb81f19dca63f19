"""Every distinct operation of a frozen graph as a graph of its own: what OpenCV takes is found by handing it over.

What a node takes from other nodes becomes a placeholder; constants, and what only passes them on, stay with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import ExportFailedError
from harness.export import pb
from harness.export.passes.nodes import node_of
from harness.manifests import Manifest, OpEntry, TensorSpec

_SHOWN = 400
_VALUES = re.compile(r': ("[^"]*"|[^\s{}]+)')
_NO_OPERATIONS = frozenset({"Const", "Placeholder", "NoOp"})
_UNTOLD = frozenset({"_output_shapes", "_class", "T", "Tidx", "dtype", "Tshape", "Tperm", "Tpaddings"})


def single_pb_ops(source: Path, manifest: Manifest, folder: Path) -> tuple[OpEntry, ...]:
    """Write one graph for each distinct operation of a `.pb` file; returns what each is, in the order of the file.

    Raises ExportFailedError for a graph that TensorFlow cannot read: ours may hold OpenCV's own layers.
    """
    graph = _Graph(source, manifest)
    found: dict[str, list[Any]] = {}
    for node in graph.nodes:
        found.setdefault(graph.likeness(node), []).append(node)
    return tuple(_entry(graph, nodes, manifest, folder / f"op_{n}.pb") for n, nodes in enumerate(found.values()))


def _entry(graph: _Graph, nodes: Sequence[Any], manifest: Manifest, target: Path) -> OpEntry:
    node = nodes[0]
    layers = dict.fromkeys(manifest.node_layers.get(one.name, "") for one in nodes)
    alone = graph.alone(node, manifest, target)
    text = _attributes(node)
    return OpEntry(
        op=node.op,
        attributes=text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ...",
        inputs=tuple(graph.shown(name) for name in node.input if not name.startswith("^")),
        count=len(nodes),
        layers=tuple(layer for layer in layers if layer),
        manifest=alone,
    )


class _Graph:
    """A frozen graph in which shapes are known."""

    def __init__(self, source: Path, manifest: Manifest) -> None:
        """Read a file, its inputs as large as the manifest says, whatever they leave open."""
        import tensorflow as tf
        from tensorflow.core.framework import graph_pb2

        self._graph = graph_pb2.GraphDef.FromString(source.read_bytes())
        static = {port.name: tf.TensorShape(port.tensor.shape).as_proto() for port in manifest.inputs}
        for node in self._graph.node:
            if node.op == "Placeholder" and node.name in static:
                node.attr["shape"].shape.CopyFrom(static[node.name])
        try:
            with tf.Graph().as_default() as self._holder:
                tf.graph_util.import_graph_def(self._graph, name="")
        except (ValueError, tf.errors.OpError) as error:
            raise ExportFailedError(f"TensorFlow cannot read {source.name}: {error}") from error
        self._by_name = {node.name: node for node in self._graph.node}
        self._constant: dict[str, bool] = {}
        self.nodes = [
            node for node in self._graph.node if node.op not in _NO_OPERATIONS and not self._is_constant(node.name)
        ]

    def likeness(self, node: Any) -> str:
        """Return what a node computes on which shapes, whatever its weights."""
        inputs = [self.shown(name) for name in node.input if not name.startswith("^")]
        return f"{node.op} {_attributes(node)} {inputs}"

    def shown(self, name: str) -> str:
        """Return a tensor's dtype and shape as text, and that it is constant where it is."""
        known = self._tensor(name)
        shape = "?" if known.shape.rank is None else known.shape.as_list()
        return f"{'constant ' if self._is_constant(node_of(name)) else ''}{known.dtype.name}{shape}"

    def alone(self, node: Any, manifest: Manifest, target: Path) -> Manifest | None:
        """Write the graph of one node and return its manifest; None where it cannot stand alone."""
        import tensorflow as tf

        names = [name for name in node.input if not name.startswith("^")]
        entries = list(dict.fromkeys(name for name in names if not self._is_constant(node_of(name))))
        output = self._tensor(node.name)
        tensors = [self._tensor(name) for name in entries]
        known = all(one.shape.is_fully_defined() and one.dtype == tf.float32 for one in [*tensors, output])
        if not entries or not known or not all(one.shape.rank for one in [*tensors, output]):
            return None
        graph = type(self._graph)(versions=self._graph.versions)
        specs = []
        for place, known_tensor in enumerate(tensors):
            specs.append(TensorSpec(name=f"in_{place}", shape=tuple(known_tensor.shape.as_list())))
            new = graph.node.add(name=f"in_{place}", op="Placeholder")
            new.attr["dtype"].type = tf.float32.as_datatype_enum
            new.attr["shape"].shape.CopyFrom(known_tensor.shape.as_proto())
        renamed = {entry: f"in_{place}" for place, entry in enumerate(entries)}
        for name in names:
            self._copy_constant(node_of(name), graph)
        copy = graph.node.add()
        copy.CopyFrom(node)
        copy.input[:] = [renamed.get(name, name) for name in names]
        target.write_bytes(graph.SerializeToString(deterministic=True))
        end = TensorSpec(name=node.name, shape=tuple(output.shape.as_list()))
        return Manifest(
            route=manifest.route,
            format="pb",
            file=target.name,
            inputs=pb.input_ports([spec.name for spec in specs], specs),
            outputs=pb.output_ports(graph, [node.name], [end]),
            weights_digest=manifest.weights_digest,
        )

    def _copy_constant(self, name: str, graph: Any) -> None:
        """Copy a constant with what it is passed on from; nothing for what is computed, or there already."""
        if not self._is_constant(name) or any(node.name == name for node in graph.node):
            return
        for source in self._by_name[name].input:
            if not source.startswith("^"):
                self._copy_constant(node_of(source), graph)
        copy = graph.node.add()
        copy.CopyFrom(self._by_name[name])
        copy.input[:] = [source for source in copy.input if not source.startswith("^")]

    def _is_constant(self, name: str) -> bool:
        """Whether a node depends on no placeholder."""
        if name not in self._constant:
            node = self._by_name[name]
            self._constant[name] = False  # a way back of a loop is no constant
            sources = [node_of(source) for source in node.input if not source.startswith("^")]
            self._constant[name] = node.op == "Const" or (bool(sources) and all(map(self._is_constant, sources)))
        return self._constant[name]

    def _tensor(self, name: str) -> Any:
        return self._holder.get_tensor_by_name(name if ":" in name else f"{name}:0")


def _attributes(node: Any) -> str:
    """Return a node's attributes as text, types left out."""
    told = {key: node.attr[key] for key in sorted(node.attr) if key not in _UNTOLD}
    return ", ".join(f"{key} = {_value(str(value))}" for key, value in told.items())


def _value(text: str) -> str:
    """Return an attribute's value, or its list of values, without protobuf's names of fields."""
    values = _VALUES.findall(text)
    return f"[{', '.join(values)}]" if text.startswith("list") else ", ".join(values)
