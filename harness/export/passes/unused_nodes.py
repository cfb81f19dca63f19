"""Keep only what the outputs need, in topological order.

OpenCV makes a layer of every node it finds, used or not: dangling ones become extra outputs, which `forward()`
without a name may return, or fail the load. Placeholders stay, even unused: they are the artifact's interface.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.passes.nodes import node_of, rebuild


def drop_unused_nodes(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """Return the graph with the nodes that some output depends on, each after its inputs."""
    nodes = {node.name: node for node in graph.node}
    ordered: dict[str, Any] = {name: nodes[name] for name in inputs}
    for output in outputs:
        _visit(output, nodes, ordered)
    return rebuild(graph, ordered.values())


def _visit(root: str, nodes: dict[str, Any], ordered: dict[str, Any]) -> None:
    """Depth first without recursion: graphs are deeper than Python's stack."""
    stack = [(root, False)]
    while stack:
        name, expanded = stack.pop()
        if name in ordered:
            continue
        if expanded:
            ordered[name] = nodes[name]
            continue
        stack.append((name, True))
        stack.extend((node_of(tensor), False) for tensor in reversed(nodes[name].input))
