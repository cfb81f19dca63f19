"""Working out what depends on nothing but constants.

Grappler does so too, but gives up on results of more than 100 KiB that are larger than what they are made from
(`kMaxConstantSize` in its constant_folding.cc): the gathered position biases of a window attention, a broadcast scale.
OpenCV's `.pb` importer has no layer for a constant's Gather or BroadcastTo.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.export.passes.nodes import canonical, copy_of, node_of, rebuild
from harness.export.retracing import in_order

_LARGEST_NBYTES = 16 << 20
"""More would be paid for in the file's size; such a tensor is left to be computed."""


def evaluate_constants(graph: Any, outputs: Sequence[str]) -> Any:
    """Return the GraphDef with each tensor that only constants lead to as a constant, where other nodes read it.

    Outputs stay the nodes they are, and what was evaluated stays in the graph, unread, to be pruned.
    """
    values = _values(graph, sorted(set(_frontier(graph, frozenset(outputs)))))
    if not values:
        return graph
    names = {tensor: f"{tensor.replace(':', '/')}/known" for tensor in values}
    nodes = [_constant(type(graph.node[0]), names[tensor], value) for tensor, value in values.items()]
    for node in graph.node:
        new = copy_of(node)
        new.input[:] = [names.get(canonical(name), name) for name in node.input]
        nodes.append(new)
    return rebuild(graph, nodes)


def _frontier(graph: Any, outputs: frozenset[str]) -> Iterator[str]:
    """Yield the tensors that are computed from constants alone and read by nodes that depend on more."""
    leaves = {node.name for node in graph.node if node.op == "Const"}
    known = set(leaves)
    for node in in_order(graph):
        if node.input and _is_pure(node) and known.issuperset(node_of(name) for name in node.input):
            known.add(node.name)
    for node in graph.node:
        if node.name not in known or node.name in outputs:
            yield from (canonical(name) for name in node.input if node_of(name) in known - leaves)


def _is_pure(node: Any) -> bool:
    """Whether a node gives the same whenever it is asked, and calls nothing."""
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(node.op)
    calls = any(value.WhichOneof("value") == "func" for value in node.attr.values())
    waits = any(name.startswith("^") for name in node.input)
    return definition is not None and not (definition.is_stateful or calls or waits)


def _values(graph: Any, tensors: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Return what TensorFlow computes for these tensors; those that are large or no numbers are left out."""
    import tensorflow as tf

    if not tensors:
        return {}
    cut = tf.compat.v1.graph_util.extract_sub_graph(graph, list(dict.fromkeys(map(node_of, tensors))))
    with tf.Graph().as_default() as holder:
        tf.graph_util.import_graph_def(cut, name="")
        found = {name: holder.get_tensor_by_name(name if ":" in name else f"{name}:0") for name in tensors}
        small = {name: tensor for name, tensor in found.items() if _nbytes(tensor) <= _LARGEST_NBYTES}
        with tf.compat.v1.Session(graph=holder) as session:
            try:
                return dict(zip(small, session.run(list(small.values())), strict=True))
            except tf.errors.OpError:  # an op without a kernel here: then it stays, for the importer to judge
                return {}


def _nbytes(tensor: Any) -> float:
    elements = tensor.shape.num_elements()
    numbers = tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype.is_bool
    return float("inf") if elements is None or not numbers else elements * tensor.dtype.size


def _constant(kind: Any, name: str, value: npt.NDArray[Any]) -> Any:
    from tensorflow.python.framework.tensor_util import make_tensor_proto

    node, tensor = kind(name=name, op="Const"), make_tensor_proto(np.asarray(value))
    node.attr["dtype"].type = tensor.dtype
    node.attr["value"].tensor.CopyFrom(tensor)
    return node
