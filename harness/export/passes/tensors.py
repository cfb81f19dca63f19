"""Reading the ranks and the dataflow of a GraphDef, which rewrites and layouts depend on."""

from __future__ import annotations

from typing import Any

from harness.export.layouts import Step, Tensors
from harness.export.passes.nodes import canonical, node_of


def read_tensors(graph: Any) -> Tensors:
    """Return rank and origin of each node's first result; TensorFlow's own shape inference gives the ranks."""
    import tensorflow as tf

    with tf.Graph().as_default() as holder:
        tf.graph_util.import_graph_def(graph, name="")
    ranks = {
        operation.name: operation.outputs[0].shape.rank
        for operation in holder.get_operations()
        if operation.outputs and operation.outputs[0].shape.rank is not None
    }
    constants = {node.name: node for node in graph.node if node.op == "Const"}
    steps = {
        node.name: _step(node, constants) for node in graph.node if node.op not in {"Const", "Placeholder", "NoOp"}
    }
    return Tensors(steps=steps, ranks=ranks)


def _step(node: Any, constants: dict[str, Any]) -> Step:
    from tensorflow.python.framework.tensor_util import MakeNdarray

    computed = [name for name in node.input if not name.startswith("^") and node_of(name) not in constants]
    permutation = None
    if node.op == "Transpose" and node_of(node.input[1]) in constants:
        values = MakeNdarray(constants[node_of(node.input[1])].attr["value"].tensor)
        permutation = tuple(int(axis) for axis in values)
    source = node_of(canonical(computed[0])) if computed else None
    return Step(op=node.op, source=source, permutation=permutation)
