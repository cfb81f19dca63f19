"""Parts of networks: what lies between any tensors of a network, as a network of its own.

A tap is nothing but an output more: it is exported, laid out, compared and given a tolerance like every other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.errors import ExportFailedError
from harness.export import graphs, naming
from harness.export.network import Interface, Network
from harness.export.ownership import Owners
from harness.export.passes.nodes import node_of
from harness.manifests import TensorSpec
from harness.sources import Cut


def tensor(name: str) -> str:
    """Return a node's input as a tensor: `node` stands for `node:0`."""
    return name if ":" in name else f"{name}:0"


def specs_of(network: Network, tensors: Sequence[str]) -> dict[str, TensorSpec]:
    """Return shape and dtype of tensors of the whole graph; those of unknown rank or without numbers are left out."""
    import tensorflow as tf

    found = {}
    for name in tensors:
        known = network.holder.get_tensor_by_name(name)
        if known.shape.rank is not None and known.dtype not in {tf.resource, tf.variant, tf.string}:
            found[name] = TensorSpec(name=name, shape=tuple(known.shape.as_list()), dtype=known.dtype.name)
    return found


def cut(network: Network, wanted: Cut) -> Network:
    """Return what lies between the tensors of a `Cut`. Raises ExportFailedError where that is no network."""
    graph = network.whole
    own = dict(zip((f"{name}:0" for name in network.interface.input_names), network.interface.inputs, strict=True))
    given = wanted.inputs or tuple(own)
    piece, reached = between(graph, given, wanted.outputs)
    entries = tuple(name for name in given if name in reached)
    if not entries:
        raise ExportFailedError(f"{', '.join(wanted.outputs)} depends on none of {', '.join(given)}")
    known = specs_of(network, [*entries, *wanted.outputs])
    specs = tuple(own.get(name) or _static(name, known) for name in entries)
    names = naming.clean(name.removesuffix(":0") for name in entries)  # the network's own inputs keep theirs
    placeholders = _place(piece, entries, specs)
    function = graphs.wrap(piece, names, specs, wanted.outputs, placeholders)
    owners = Owners(by_node=dict(network.owners.by_node), makers=network.owners.makers)
    owners.add_outputs(function.outputs, naming.outputs(len(wanted.outputs)))
    return Network(
        kind=network.kind,
        interface=Interface(
            inputs=specs,
            outputs=tuple(_static(name, known) for name in wanted.outputs),
            input_names=names,
            output_names=naming.outputs(len(wanted.outputs)),
        ),
        weights_digest=network.weights_digest,
        function=function,
        notes=("a part of a network",),
        is_part=True,
        owners=owners,
    )


def between(graph: Any, entries: Sequence[str], outputs: Sequence[str]) -> tuple[Any, frozenset[str]]:
    """Return the nodes that outputs need, back to the entries, and which entries they need.

    Raises ExportFailedError where an input of the network is needed that is not among the entries.
    """
    if common := set(entries).intersection(outputs):
        raise ExportFailedError(f"nothing is computed between {', '.join(sorted(common))} and itself")
    nodes = {node.name: node for node in graph.node}
    waiting, needed, reached = list(outputs), set(), set()
    while waiting:
        name = waiting.pop()
        if name in entries:
            reached.add(name)
            continue
        node = nodes[node_of(name)]
        if node.op == "Placeholder":
            raise ExportFailedError(f"the part also needs the input {node.name!r}")
        if node.name not in needed:
            needed.add(node.name)
            waiting += [tensor(source) for source in node.input if not source.startswith("^")]
    piece = type(graph)(versions=graph.versions, library=graph.library)
    for node in graph.node:
        if node.name in needed:
            copy = piece.node.add()
            copy.CopyFrom(node)
            copy.input[:] = [name for name in node.input if not name.startswith("^")]
    return piece, frozenset(reached)


def _place(piece: Any, entries: Sequence[str], specs: Sequence[TensorSpec]) -> list[str]:
    """Put placeholders in the entries' places; returns their names."""
    import tensorflow as tf

    taken = {node.name for node in piece.node}
    names = {}
    for place, (entry, spec) in enumerate(zip(entries, specs, strict=True)):
        name = f"entry_{place}"
        while name in taken:
            name += "_"
        names[entry] = name
        node = piece.node.add(name=name, op="Placeholder")
        node.attr["dtype"].type = tf.as_dtype(spec.dtype).as_datatype_enum
    for node in piece.node:
        node.input[:] = [names.get(tensor(name), name) for name in node.input]
    return list(names.values())


def _static(name: str, known: dict[str, TensorSpec]) -> TensorSpec:
    spec = known.get(name)
    if spec is None or None in spec.shape:
        raise ExportFailedError(f"tensor {name!r} has no shape that is known before the network runs")
    return spec
