"""Give each output's name to the node that computes it.

OpenCV removes Identity nodes and with them their names, so an output that is an Identity cannot be asked for
by name (`forward("output_0")` raises "Requested blob not found"). Where the computing node cannot be renamed
(it is an input, has several results, or already is another output), an exact `x * 1` carries the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.passes.nodes import copy_of, node_of, rebuild

_SEVERAL_RESULTS = frozenset(
    {"Split", "SplitV", "Unpack", "TopKV2", "Unique", "While", "StatelessWhile", "If", "StatelessIf",
     "PartitionedCall", "StatefulPartitionedCall", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3",
     "MaxPoolWithArgmax", "Placeholder", "Const"}
)  # fmt: skip
_MULTIPLIABLE = frozenset({1, 2})  # DT_FLOAT, DT_DOUBLE: OpenCV multiplies floats only


def name_outputs(graph: Any, outputs: Sequence[str], *, apart: bool = False) -> Any:
    """Return the graph in which no output is an Identity, as far as an exact node can carry its name.

    `apart` gives outputs that other nodes read a node of their own: what OpenCV 5 makes of a `.pb` ends only in nodes
    that nobody reads, and it refuses to be asked for others ("the number of requested and actual outputs").
    """
    nodes = {node.name: copy_of(node) for node in graph.node}
    for output in outputs:
        node = nodes[output]
        if node.op != "Identity":
            continue
        producer = nodes[node_of(node.input[0])]
        read = apart and any(
            producer.name in map(node_of, other.input) for other in nodes.values() if other is not node
        )
        if _renamable(producer, node.input[0], outputs) and not read:
            _rename(nodes, producer.name, output)
        elif node.attr["T"].type in _MULTIPLIABLE:
            _multiply_by_one(nodes, node)
    return rebuild(graph, nodes.values())


def _renamable(producer: Any, tensor: str, outputs: Sequence[str]) -> bool:
    return producer.op not in _SEVERAL_RESULTS and ":" not in tensor and producer.name not in outputs


def _rename(nodes: dict[str, Any], old: str, new: str) -> None:
    """Let the node `old` take the place and name of the Identity `new`."""
    moved = nodes.pop(old)
    moved.name = new
    nodes[new] = moved
    for node in nodes.values():
        node.input[:] = [new if name == old else name for name in node.input]


def _multiply_by_one(nodes: dict[str, Any], node: Any) -> None:
    one = type(node)(name=f"{node.name}/one", op="Const")
    one.attr["dtype"].type = node.attr["T"].type
    one.attr["value"].tensor.dtype = node.attr["T"].type
    one.attr["value"].tensor.tensor_shape.dim.add().size = 1
    values = one.attr["value"].tensor
    (values.float_val if node.attr["T"].type == 1 else values.double_val).append(1.0)
    nodes[one.name] = one
    node.op = "Mul"
    node.input.append(one.name)
