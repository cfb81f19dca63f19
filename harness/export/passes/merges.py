"""Keep apart what OpenCV would merge though it may not.

The `.pb` importer merges the BiasAdd behind a convolution, the BiasAdd or Add behind a matrix product, and the Add
behind a product with a vector, whether or not the addend is constant ("Const input blob for weights not found") and
whoever else reads the first result (who then gets the sum, and no error says so). A multiplication by a single one
between them changes nothing and is not merged.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from harness.export.passes.nodes import canonical, copy_of, node_of, rebuild

_ADDITIONS = frozenset({"Add", "AddV2"})
_MERGED_BY = {
    **dict.fromkeys(("Conv2D", "DepthwiseConv2dNative", "Conv3D", "Conv2DBackpropInput"), frozenset({"BiasAdd"})),
    "MatMul": frozenset({"BiasAdd", *_ADDITIONS}),
    "Mul": _ADDITIONS,
}
_FLOAT = 1


def keep_apart(graph: Any) -> Any:
    """Return the graph with a product by one where a merge would be wrong."""
    nodes = {node.name: copy_of(node) for node in graph.node}
    readers: dict[str, list[Any]] = defaultdict(list)
    for node in nodes.values():
        for name in node.input:
            readers[node_of(name)].append(node)
    for node in list(nodes.values()):
        if node.op in _MERGED_BY and _is_wrong(node, readers[node.name], nodes):
            nodes |= {added.name: added for added in _by_one(node, readers[node.name])}
    return rebuild(graph, nodes.values())


def _is_wrong(node: Any, readers: list[Any], nodes: dict[str, Any]) -> bool:
    if node.op == "Mul" and not any(_is_vector(nodes[node_of(name)]) for name in node.input):
        return False
    merged = [reader for reader in readers if reader.op in _MERGED_BY[node.op]]
    if not merged:
        return False
    return len(readers) > 1 or not any(_is_vector(nodes[node_of(name)]) for name in merged[0].input)


def _is_vector(node: Any) -> bool:
    return bool(node.op == "Const" and len(node.attr["value"].tensor.tensor_shape.dim))


def _by_one(node: Any, readers: list[Any]) -> list[Any]:
    one = type(node)(name=f"{node.name}/apart/one", op="Const")
    one.attr["dtype"].type = one.attr["value"].tensor.dtype = _FLOAT
    one.attr["value"].tensor.tensor_shape.SetInParent()
    one.attr["value"].tensor.float_val.append(1.0)
    product = type(node)(name=f"{node.name}/apart", op="Mul", input=[node.name, one.name])
    product.attr["T"].type = _FLOAT
    for reader in readers:
        reader.input[:] = [product.name if canonical(name) == node.name else name for name in reader.input]
    return [one, product]
