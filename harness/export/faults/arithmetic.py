"""Faults of order: operands, parts of a join."""

from __future__ import annotations

import numpy as np

from harness.export.faults.graph import Graph, called, shuffled

Random = np.random.RandomState


def _operands_exchanged(graph: Graph, random: Random) -> str | None:
    """Compute b - a for a - b, b / a for a / b."""
    for node in shuffled(random, graph.nodes("Sub", "Div")):
        if node.input[0] != node.input[1]:
            node.input[0], node.input[1] = node.input[1], node.input[0]
            return f"operands of {called(node)} exchanged"
    return None


def _parts_exchanged(graph: Graph, random: Random) -> str | None:
    """Join with the first and the last part in each other's place."""
    for node in shuffled(random, graph.nodes("Concat")):
        if len(node.input) > 1 and node.input[0] != node.input[-1]:
            node.input[0], node.input[-1] = node.input[-1], node.input[0]
            return f"first and last part of {called(node)} exchanged"
    return None


PLANTS = {"operands-exchanged": _operands_exchanged, "parts-exchanged": _parts_exchanged}
