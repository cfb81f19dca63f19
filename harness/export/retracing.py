"""Building a GraphDef anew, node by node, with rules that write some ops differently.

A rule is ordinary TensorFlow code on ordinary tensors, whose static shapes are at hand; what it makes is named below
the node it stands for, so that it still belongs to the same Keras layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.export.passes.nodes import copy_of, node_of

Rule = Callable[[Any, Sequence[Any]], Any]
"""`(NodeDef, input tensors) -> tensor`, several of them, or None where the node is fine as it is."""


def retrace(graph: Any, rules: Mapping[str, Rule]) -> Any:
    """Return the GraphDef with each node whose op has a rule replaced by what the rule makes.

    The nodes keep their names, and one that was replaced leaves its name to what now gives its (only or first) result.
    Control inputs must have been dropped before.
    """
    import tensorflow as tf

    with tf.Graph().as_default() as new:
        tf.graph_util.import_graph_def(type(graph)(versions=graph.versions, library=graph.library))
        made: dict[str, Sequence[Any]] = {}
        for node in in_order(graph):
            inputs = [made[node_of(name)][_port(name)] for name in node.input]
            rule = rules.get(node.op)
            result = _applied(rule, node, inputs) if rule else None
            made[node.name] = _copied(new, node, inputs) if result is None else result
        built = new.as_graph_def()
    built.versions.CopyFrom(graph.versions)
    return built


def in_order(graph: Any) -> Iterator[Any]:
    """Yield each node once, after its inputs; where a loop of TensorFlow 1 leads back, the way back is left out."""
    nodes = {node.name: node for node in graph.node}
    begun: set[str] = set()
    done: set[str] = set()
    for root in nodes:
        stack = [root]
        while stack:
            name = stack[-1]
            if name not in begun:
                begun.add(name)
                stack += [source for source in map(node_of, nodes[name].input) if source not in begun]
                continue
            stack.pop()
            if name not in done:
                done.add(name)
                yield nodes[name]


def _port(tensor: str) -> int:
    return int(tensor.partition(":")[2] or 0)


def _copied(graph: Any, node: Any, inputs: Sequence[Any]) -> Sequence[Any]:
    operation = graph._create_op_internal(  # what create_op, deprecated, calls; import_graph_def takes 20 times as long
        node.op, list(inputs), name=f"{node.name}/", attrs=dict(node.attr)
    )
    return tuple(_known(tensor) for tensor in operation.outputs)


def _known(tensor: Any) -> Any:
    """Return what arithmetic on static shapes comes to: grappler leaves it in the inlined functions of SavedModels."""
    import tensorflow as tf
    from tensorflow.python.framework.tensor_util import try_evaluate_constant

    operation = tensor.op
    if tensor.dtype not in {tf.int32, tf.int64} or not operation.inputs:
        return tensor
    value = try_evaluate_constant(tensor)
    return tensor if value is None else tf.constant(value, tensor.dtype, name=f"{operation.name}/known")


def _applied(rule: Rule, node: Any, inputs: Sequence[Any]) -> Sequence[Any] | None:
    import tensorflow as tf

    with tf.name_scope(f"{node.name}/as/"):
        result = rule(copy_of(node), inputs)  # to ask a NodeDef for an attribute it lacks gives it an empty one
    if result is None:
        return None
    several = list(result) if isinstance(result, (list, tuple)) else [result]
    return [tf.identity(several[0], name=f"{node.name}/"), *several[1:]]


def joined(*tables: Mapping[str, Rule]) -> Mapping[str, Rule]:
    """Join rules; where several are for one op, the first that has something to say is followed."""
    joined: dict[str, Rule] = {}
    for table in tables:
        for op, rule in table.items():
            joined[op] = _either(joined[op], rule) if op in joined else rule
    return joined


def _either(first: Rule, second: Rule) -> Rule:
    def rule(node: Any, inputs: Sequence[Any]) -> Any:
        made = first(node, inputs)
        return second(node, inputs) if made is None else made

    return rule
