"""Connect consumers past Identity-like nodes to what these pass through.

OpenCV removes Identity itself, but only where it is not an output, and it does not know StopGradient,
PreventGradient, Snapshot, CheckNumerics or EnsureShape at all ("Can't create layer of type").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.passes.nodes import canonical, copy_of, rebuild

_PASS_THROUGH = frozenset({"Identity", "StopGradient", "PreventGradient", "Snapshot", "CheckNumerics", "EnsureShape"})


def bypass_identities(graph: Any, keep: Sequence[str]) -> Any:
    """Return the graph with pass-through nodes unused; those in `keep` stay, as plain Identity."""
    sources = {node.name: canonical(node.input[0]) for node in graph.node if node.op in _PASS_THROUGH}
    nodes = []
    for node in graph.node:
        if node.name in sources and node.name not in keep:
            continue
        new = copy_of(node)
        if node.name in sources and node.op != "Identity":
            new.op = "Identity"
            for attribute in set(new.attr) - {"T"}:
                del new.attr[attribute]
        new.input[:] = [_source(name, sources) for name in node.input]
        nodes.append(new)
    return rebuild(graph, nodes)


def _source(tensor: str, sources: dict[str, str]) -> str:
    """Follow pass-through nodes up to the tensor they carry."""
    found = canonical(tensor)
    while found in sources:
        found = sources[found]
    return found
