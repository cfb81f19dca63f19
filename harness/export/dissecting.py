"""Taking a network apart: which layers there are, in which order they work, which tensors pass between them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from harness.anatomy import Anatomy, Part
from harness.export.cutting import specs_of, tensor
from harness.export.likeness import Likeness
from harness.export.network import Network
from harness.export.passes.nodes import node_of
from harness.export.retracing import in_order
from harness.manifests import Head, TensorSpec

_CONFIG_KEPT = 800
_SATURATING = frozenset({"Softmax", "Sigmoid", "Tanh"})
_PASSING = frozenset({"Identity", "Reshape", "Squeeze", "ExpandDims"})
"""Ops behind which an activation is still the last one: they change no value."""
_AFFINE = frozenset({"Mul", "AddV2", "Add", "Sub", "RealDiv", "BiasAdd"})
"""With a constant: what is hidden before them is hidden behind them."""
_JOINING = frozenset({"ConcatV2", "Pack"})
_INLINED = ("StatefulPartitionedCall/", "PartitionedCall/")


@dataclass(slots=True)
class _Group:
    """Nodes of one layer that work in one go."""

    layer: str
    nodes: list[Any] = field(default_factory=list)
    inputs: dict[str, None] = field(default_factory=dict)
    outputs: dict[str, None] = field(default_factory=dict)
    after: set[int] = field(default_factory=set)


def take_apart(network: Network) -> Anatomy:
    """Return the parts of a network in the order of their work."""
    graph = network.whole
    groups = _grouped(network, graph)
    known = specs_of(network, [name for group in groups for name in (*group.inputs, *group.outputs)])
    likeness = Likeness(graph, known)
    return Anatomy(
        parts=tuple(_part(network, group, known, likeness) for group in groups),
        inputs=tuple(f"{name}:0" for name in network.interface.input_names),
    )


def _grouped(network: Network, graph: Any) -> list[_Group]:
    """Join nodes of one layer at one level: as many layers lie between them and the inputs."""
    own = set(network.interface.input_names)
    keys: dict[str, tuple[str, int]] = {}
    members: dict[tuple[str, int], list[Any]] = defaultdict(list)
    computed = _computed(graph, own)
    for node in in_order(graph):
        if node.name not in computed:
            continue  # an input, or a constant
        sources = [node_of(name) for name in node.input if not name.startswith("^")]
        before = [keys[name] for name in sources if name in keys]
        layer = _layer(network, node.name)
        level = max((level + (other != layer) for other, level in before), default=0)
        keys[node.name] = (layer, level)
        members[layer, level].append(node)
    return _connected(members, keys, own, frozenset(network.interface.output_names))


def _connected(
    members: dict[tuple[str, int], list[Any]],
    keys: dict[str, tuple[str, int]],
    own: set[str],
    ends: frozenset[str],
) -> list[_Group]:
    order = sorted(members, key=lambda key: key[1])
    places = {key: place for place, key in enumerate(order)}
    groups = [_Group(layer=key[0], nodes=members[key]) for key in order]
    for place, group in enumerate(groups):
        for node in group.nodes:
            if node.name in ends:
                group.outputs[f"{node.name}:0"] = None
            for name in (tensor(name) for name in node.input if not name.startswith("^")):
                source = node_of(name)
                if source in own:
                    group.inputs[name] = None
                elif source in keys and places[keys[source]] != place:
                    group.inputs[name] = None
                    if places[keys[source]] < place:  # not the way back of a loop
                        group.after.add(places[keys[source]])
                    groups[places[keys[source]]].outputs[name] = None
    return groups


def _computed(graph: Any, own: Iterable[str]) -> frozenset[str]:
    """Return the nodes that depend on an input: the others are inputs themselves, or constants."""
    takers: dict[str, list[str]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            if not name.startswith("^"):
                takers[node_of(name)].append(node.name)
    found: set[str] = set()
    waiting = list(own)
    while waiting:
        new = set(takers[waiting.pop()]) - found
        found |= new
        waiting += new
    return frozenset(found)


def _layer(network: Network, node: str) -> str:
    """Return the Keras layer that made a node, or the innermost name scope it is in."""
    owner = network.owners.by_node.get(node)
    if owner is not None:
        return owner
    name = node
    for prefix in _INLINED:
        name = name.removeprefix(prefix)
    return name.rpartition("/")[0] or name


def _part(network: Network, group: _Group, known: dict[str, TensorSpec], likeness: Likeness) -> Part:
    maker = network.owners.makers.get(group.layer)
    ops = Counter(node.op for node in group.nodes)
    class_ = type(maker).__name__ if maker is not None else ", ".join(op for op, _ in ops.most_common(3))
    config = _config(maker)
    return Part(
        layer=group.layer,
        class_=class_,
        config=config,
        likeness=likeness.of(group.nodes, tuple(group.inputs), class_, config),
        inputs=tuple(group.inputs),
        outputs=tuple(known[name] for name in group.outputs if name in known),
        after=tuple(sorted(group.after)),
    )


def _config(maker: Any) -> str:
    """Return a layer's configuration as JSON without its name, dtype and initial weights; bounded."""
    read = getattr(maker, "get_config", None)
    if read is None:
        return ""
    try:
        config = {key: value for key, value in read().items() if _tells(key, value)}
        text = json.dumps(config, default=str, sort_keys=True)
    except Exception:  # somebody's own layers may raise anything; their class says enough
        return ""
    return text if len(text) <= _CONFIG_KEPT else f"{text[:_CONFIG_KEPT]} ..."


def _tells(key: str, value: Any) -> bool:
    training = key.endswith(("_initializer", "_regularizer", "_constraint"))
    return not training and key not in {"name", "trainable", "dtype"} and value is not None


def heads(network: Network) -> Iterator[Head]:
    """Yield what may hide what was computed before it, at the ends of a network: last activations, and joints.

    Looked for behind what only moves, scales or shifts values, and behind joints, whose parts are heads themselves:
    boxes in pixels beside scores would lend them their tolerance.
    """
    ends = _Ends(network.whole, network.interface.input_names)
    for place, name in enumerate(network.interface.output_names):
        seen: set[str] = set()
        yield from (replace(head, output=place) for head in ends.behind(name, seen))


class _Ends:
    """Walks back from a network's outputs."""

    def __init__(self, graph: Any, own: Iterable[str]) -> None:
        self._nodes = {node.name: node for node in graph.node}
        self._computed = _computed(graph, own)

    def behind(self, name: str, seen: set[str], *, direct: bool = True) -> Iterator[Head]:
        """Yield the heads at or before a node, those of each node once: joints may share what they join."""
        node = self._nodes[node_of(name)]
        if node.name in seen:
            return
        seen.add(node.name)
        inputs = [source for source in node.input if node_of(source) in self._computed]
        if node.op in _SATURATING and inputs:
            yield Head(output=0, op=node.op, before=tensor(inputs[0]), direct=direct)
        elif node.op in _PASSING and inputs:
            yield from self.behind(inputs[0], seen, direct=direct)
        elif (node.op in _AFFINE and len(inputs) == 1) or node.op == "Transpose":
            yield from (head for source in inputs for head in self.behind(source, seen, direct=False))
        elif node.op in _JOINING and len(inputs) > 1:
            for source in inputs:
                yield Head(output=0, op="Concat", before=tensor(source), direct=direct)
                yield from self.behind(source, seen, direct=False)
