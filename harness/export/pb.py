"""Writing frozen graphs (`.pb`) for `readNetFromTensorflow`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.export import graphs, keras_models, rules
from harness.export.constants import evaluate_constants
from harness.export.layouts import image_layout, layout_of
from harness.export.network import Network
from harness.export.passes import for_opencv
from harness.export.passes.control_inputs import drop_control_inputs
from harness.export.passes.nodes import node_of
from harness.export.passes.tensors import read_tensors
from harness.export.passes.unused_nodes import drop_unused_nodes
from harness.export.retracing import retrace
from harness.export.rules import pb as pb_rules
from harness.export.spelling import spelled
from harness.manifests import Manifest, Port, TensorSpec

_FILE = "model.pb"


def export(network: Network, folder: Path) -> Manifest:
    """Write the folded and sanitised graph: the recipe that loads."""
    interface = network.interface
    graph = evaluate_constants(drop_control_inputs(network.folded), interface.output_names)
    graph = evaluate_constants(retrace(graph, rules.PB), interface.output_names)
    graph = drop_unused_nodes(graph, interface.input_names, interface.output_names)
    graph = retrace(graph, pb_rules.RULES)
    graph = for_opencv(graph, interface.input_names, interface.output_names)
    (folder / _FILE).write_bytes(spelled(graph).SerializeToString(deterministic=True))
    return Manifest(
        route="pb",
        format="pb",
        file=_FILE,
        inputs=input_ports(interface.input_names, interface.inputs),
        outputs=output_ports(graph, interface.output_names, interface.outputs),
        weights_digest=network.weights_digest,
        ops=operations(graph),
        node_layers=network.node_layers([node.name for node in graph.node]),
        notes=(
            *network.notes,
            f"grappler: {', '.join(graphs.OPTIMIZERS)}; for OpenCV alone: some ops are its own layers",
        ),
    )


def export_naive(network: Network, folder: Path) -> Manifest:
    """Write the graph as articles do: frozen, nothing else."""
    function, names = _article_function(network)
    graph = graphs.freeze_function(function, lower_control_flow=True).graph.as_graph_def()
    if network.is_part:
        _restore_weights(graph, function.graph.as_graph_def())
    (folder / _FILE).write_bytes(graph.SerializeToString(deterministic=True))
    interface = network.interface
    producers = [producer(graph, name) for name in names]
    return Manifest(
        route="pb-naive",
        format="pb",
        file=_FILE,
        inputs=input_ports(interface.input_names, interface.inputs),
        outputs=output_ports(graph, producers, interface.outputs),
        weights_digest=network.weights_digest,
        ops=operations(graph),
        node_layers=network.node_layers([node.name for node in graph.node]),
        notes=(*network.notes, "convert_variables_to_constants_v2 only"),
    )


def _restore_weights(graph: Any, before: Any) -> None:
    """Write constants as they were before freezing, which drops the values of those that are all alike.

    In a whole network weights are variables then, and escape it: a bias of zeros must not fail in a part alone.
    """
    values = {node.name: node.attr["value"] for node in before.node if node.op == "Const"}
    for node in graph.node:
        if node.op == "Const" and node.name in values:
            node.attr["value"].CopyFrom(values[node.name])


def input_ports(names: Sequence[str], specs: Sequence[TensorSpec]) -> tuple[Port, ...]:
    """Describe placeholders as OpenCV's importer takes them."""
    return tuple(
        Port(name=name, tensor=spec, layout=image_layout(len(spec.shape)))
        for name, spec in zip(names, specs, strict=True)
    )


def output_ports(graph: Any, names: Sequence[str], specs: Sequence[TensorSpec]) -> tuple[Port, ...]:
    """Describe nodes as OpenCV's importer gives them."""
    tensors = read_tensors(graph)
    return tuple(
        Port(name=name, tensor=spec, layout=layout_of(name, tensors)) for name, spec in zip(names, specs, strict=True)
    )


def operations(graph: Any) -> dict[str, int]:
    """Count the ops of a GraphDef."""
    return dict(sorted(Counter(node.op for node in graph.node).items()))


def _article_function(network: Network) -> tuple[Any, list[str]]:
    """Trace with the batch left open, as `TensorSpec(model.inputs[0].shape)` does; other sources keep their shapes."""
    names = list(network.interface.output_names)
    if network.model is None:
        return network.function, names
    signature = graphs.signature(network.interface.input_names, network.interface.inputs)
    open_batch = [
        type(spec)((None, *spec.shape[1:]), spec.dtype, spec.name) if spec.shape else spec for spec in signature
    ]
    return keras_models.trace(network.model, open_batch)[0], names


def producer(graph: Any, name: str) -> str:
    """Follow Identity nodes up to the node that computes: OpenCV removes the others with their names."""
    nodes = {node.name: node for node in graph.node}
    while nodes[name].op == "Identity":
        name = node_of(nodes[name].input[0])
    return name
