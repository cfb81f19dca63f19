"""Which Keras layer made which graph node, recorded while a model is traced.

Name scopes alone cannot tell: Keras opens each layer's scope twice, so layer `conv2d` makes `conv2d_1/convolution`,
which is also the name of another layer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_CONVERTER_SUFFIX = re.compile(r"__\d+$")


@dataclass(slots=True)
class Owners:
    """Node name -> layer name for the nodes of one traced graph."""

    by_node: dict[str, str] = field(default_factory=dict)
    makers: dict[str, Any] = field(default_factory=dict)
    """Layer name -> the Keras layer, or the operation of `keras.ops`, that bears it."""

    def layers_of(self, nodes: Iterable[str]) -> dict[str, str]:
        """Map nodes of any graph derived from the traced one; those of no layer are left out."""
        scopes = self._scopes()
        found = {node: self._owner(node, scopes) for node in nodes}
        return {node: layer for node, layer in found.items() if layer is not None}

    def _scopes(self) -> dict[str, str | None]:
        """Return the owner of each name scope, None where several layers share it."""
        scopes: dict[str, str | None] = {}
        for node, layer in self.by_node.items():
            parts = node.split("/")
            for end in range(1, len(parts)):
                scope = "/".join(parts[:end])
                scopes[scope] = layer if scopes.get(scope, layer) == layer else None
        return scopes

    def _owner(self, node: str, scopes: dict[str, str | None]) -> str | None:
        """Find a node that optimisers and converters may have prefixed, suffixed, or joined by `;`."""
        parts = _CONVERTER_SUFFIX.sub("", node.partition(";")[0]).split("/")
        for start in range(len(parts)):  # `ConstantFolding/...`, `StatefulPartitionedCall/...`
            for end in range(len(parts), start, -1):
                name = "/".join(parts[start:end])
                owner = self.by_node.get(name) or scopes.get(name)
                if owner is not None:
                    return owner
        return None

    def add_outputs(self, tensors: Iterable[Any], names: Iterable[str]) -> None:
        """Give each output, an Identity outside all layers, the owner of what it passes on."""
        for tensor, name in zip(tensors, names, strict=True):
            operation = tensor.op
            while operation.name not in self.by_node and operation.type == "Identity":
                operation = operation.inputs[0].op
            if operation.name in self.by_node:
                self.by_node[name] = self.by_node[operation.name]


@contextmanager
def recorded(owners: Owners) -> Iterator[None]:
    """Record, while active, the innermost layer or operation during whose call each node of a graph is made."""
    import keras

    with _watching(keras.layers.Layer, owners), _watching(keras.Operation, owners):
        yield


@contextmanager
def _watching(kind: Any, owners: Owners) -> Iterator[None]:
    import keras
    import tensorflow as tf

    original = kind.__call__

    def call(maker: Any, *arguments: Any, **options: Any) -> Any:
        graph = tf.compat.v1.get_default_graph()
        before = len(graph.get_operations())
        result = original(maker, *arguments, **options)
        if not isinstance(maker, keras.Model):
            owners.makers.setdefault(maker.name, maker)
            made = {operation.name: maker.name for operation in graph.get_operations()[before:]}
            # The steps of a recurrent layer are its own work: its cell is called once for each, and shares its name
            # with the cells of others.
            known = {} if isinstance(maker, keras.layers.RNN) else owners.by_node
            owners.by_node.update({node: layer for node, layer in made.items() if node not in known})
        return result

    kind.__call__ = call
    try:
        yield
    finally:
        kind.__call__ = original
