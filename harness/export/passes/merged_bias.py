"""Let the name of an output survive the merging of its BiasAdd.

OpenCV merges a BiasAdd into the convolution or matrix product before it, and the addition of a constant vector into
the multiplication by one (what batch normalisation folds to), and keeps only the first op's name. So an output that
is such an addition cannot be asked for ("the required output 'output_0' is not found"). The two exchange names:
`output_0` is then the merged layer, and for TensorFlow the result is `output_0/BiasAdd`. For `.pb` only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from harness.export.passes.nodes import copy_of, node_of, rebuild

_TAKES_BIAS = frozenset({"Conv2D", "DepthwiseConv2dNative", "Conv3D", "Conv2DBackpropInput", "MatMul"})
_ADDITIONS = frozenset({"Add", "AddV2"})


def name_merged_biases(graph: Any, outputs: Sequence[str]) -> Any:
    """Return the graph in which the op that takes up an output's BiasAdd has the output's name."""
    nodes = {node.name: copy_of(node) for node in graph.node}
    for output in outputs:
        if _is_merged(nodes, nodes[output]):
            _exchange_names(nodes, output)
    return rebuild(graph, nodes.values())


def _is_merged(nodes: dict[str, Any], addition: Any) -> bool:
    if addition.op not in {"BiasAdd", *_ADDITIONS}:
        return False
    first = nodes[node_of(addition.input[0])]
    consumers = [node for node in nodes.values() if first.name in map(node_of, node.input)]
    if len(consumers) != 1:
        return False
    if addition.op == "BiasAdd":
        return first.op in _TAKES_BIAS
    return first.op == "Mul" and _has_vector(first, nodes) and _has_vector(addition, nodes)


def _has_vector(node: Any, nodes: dict[str, Any]) -> bool:
    """Whether an input is a constant of more than one value; single values become another layer, not a bias."""
    constants = [nodes[node_of(name)] for name in node.input if nodes[node_of(name)].op == "Const"]
    return any(_size(constant) > 1 for constant in constants)


def _size(constant: Any) -> int:
    return math.prod(int(dim.size) for dim in constant.attr["value"].tensor.tensor_shape.dim)


def _exchange_names(nodes: dict[str, Any], output: str) -> None:
    biased = nodes.pop(output)
    plain = nodes.pop(node_of(biased.input[0]))
    biased.name, plain.name = f"{output}/BiasAdd", output
    biased.input[0] = output
    for node in nodes.values():
        node.input[:] = [biased.name if name == output else name for name in node.input]
    nodes |= {plain.name: plain, biased.name: biased}
