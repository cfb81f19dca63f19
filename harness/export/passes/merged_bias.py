"""Let the name of an output survive the merging of its BiasAdd.

OpenCV merges a BiasAdd into the convolution or matrix product before it and keeps only that one's name, so an
output that is a BiasAdd cannot be asked for ("the required output 'output_0' is not found"). The two exchange
names: `output_0` is then the merged layer, and for TensorFlow the result is `output_0/BiasAdd`. For `.pb` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.passes.nodes import copy_of, node_of, rebuild

_TAKES_BIAS = frozenset({"Conv2D", "DepthwiseConv2dNative", "Conv3D", "Conv2DBackpropInput", "MatMul"})


def name_merged_biases(graph: Any, outputs: Sequence[str]) -> Any:
    """Return the graph in which the op that takes up an output's BiasAdd has the output's name."""
    nodes = {node.name: copy_of(node) for node in graph.node}
    for output in outputs:
        if nodes[output].op == "BiasAdd" and _is_merged(nodes, node_of(nodes[output].input[0])):
            _exchange_names(nodes, output)
    return rebuild(graph, nodes.values())


def _is_merged(nodes: dict[str, Any], producer: str) -> bool:
    consumers = [node for node in nodes.values() if producer in map(node_of, node.input)]
    return nodes[producer].op in _TAKES_BIAS and len(consumers) == 1


def _exchange_names(nodes: dict[str, Any], output: str) -> None:
    biased = nodes.pop(output)
    plain = nodes.pop(node_of(biased.input[0]))
    biased.name, plain.name = f"{output}/BiasAdd", output
    biased.input[0] = output
    for node in nodes.values():
        node.input[:] = [biased.name if name == output else name for name in node.input]
    nodes |= {plain.name: plain, biased.name: biased}
