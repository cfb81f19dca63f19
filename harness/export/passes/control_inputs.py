"""Drop control inputs (`^node`) and the NoOps they lead to.

OpenCV's importer looks each input up as a tensor, so `^node` fails with "Input layer not found". A frozen
inference graph has no side effects that an order could matter for.
"""

from __future__ import annotations

from typing import Any

from harness.export.passes.nodes import copy_of, rebuild


def drop_control_inputs(graph: Any) -> Any:
    """Return the graph without control inputs and NoOps."""
    nodes = []
    for node in graph.node:
        if node.op == "NoOp":
            continue
        new = copy_of(node)
        new.input[:] = [name for name in node.input if not name.startswith("^")]
        nodes.append(new)
    return rebuild(graph, nodes)
