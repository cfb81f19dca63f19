"""Telling parts of a network that compute alike: the same operations on tensors of the same shapes.

Weights do not count, for layers that differ only in them are supported alike; small constants do (axes, sizes, slopes).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from harness.export.cutting import tensor
from harness.export.passes.nodes import node_of
from harness.manifests import TensorSpec

_TELLING = 16
"""A constant of at most so many elements may be an axis, a size, a slope or an epsilon; a larger one is a weight."""
_IGNORED = frozenset({"_output_shapes", "_class", "_XlaMustCompile", "_read_only_resource_inputs"})
_PASSING = frozenset({"Identity", "ReadVariableOp"})


class Likeness:
    """Digests parts of one graph."""

    def __init__(self, graph: Any, known: Mapping[str, TensorSpec]) -> None:
        """`known` are the tensors whose shapes are known, those that pass between parts among them."""
        self._nodes = {node.name: node for node in graph.node}
        self._known = known

    def of(self, nodes: Sequence[Any], inputs: Sequence[str], *words: str) -> str:
        """Return the digest of nodes, in the order of their work, that take `inputs` from outside, and of `words`."""
        digest = hashlib.sha256(repr(words).encode())
        places = {node.name: place for place, node in enumerate(nodes)}
        entries = {name: place for place, name in enumerate(inputs)}
        for name in inputs:
            digest.update(self._shape(name).encode())
        for node in nodes:
            digest.update(node.op.encode())
            for key in sorted(set(node.attr) - _IGNORED):
                digest.update(key.encode() + node.attr[key].SerializeToString(deterministic=True))
            for name in (tensor(name) for name in node.input if not name.startswith("^")):
                digest.update(self._source(name, places, entries).encode())
        return digest.hexdigest()

    def _source(self, name: str, places: Mapping[str, int], entries: Mapping[str, int]) -> str:
        if name in entries:
            return f"<{entries[name]}"
        if node_of(name) in places:
            return f"={places[node_of(name)]}:{name.rpartition(':')[2]}"
        return f"#{self._constant(name)}"

    def _constant(self, name: str) -> str:
        """Return what a tensor that depends on no input is: its value where it is small, else its shape."""
        import tensorflow as tf

        node = self._nodes[node_of(name)]
        while node.op in _PASSING and node.input:
            node = self._nodes[node_of(node.input[0])]
        if node.op != "Const":
            return f"{node.op} {self._shape(name)}"
        proto = node.attr["value"].tensor
        shape = [axis.size for axis in proto.tensor_shape.dim]
        count = 1
        for size in shape:
            count *= size
        telling = count <= _TELLING and proto.dtype not in {tf.resource.as_datatype_enum, tf.string.as_datatype_enum}
        weight = proto.dtype == tf.float32.as_datatype_enum and shape and count > 1
        value = "" if weight or not telling else repr(tf.make_ndarray(proto).tolist())
        return f"{proto.dtype} {shape} {value}"

    def _shape(self, name: str) -> str:
        spec = self._known.get(name)
        return "?" if spec is None else f"{spec.dtype}{spec.shape}"
