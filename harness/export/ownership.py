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
    """Record, while active, the innermost layer during whose call each node of a graph is made."""
    import keras
    import tensorflow as tf

    original = keras.layers.Layer.__call__

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        graph = tf.compat.v1.get_default_graph()
        before = len(graph.get_operations())
        result = original(layer, *arguments, **options)
        if not isinstance(layer, keras.Model):
            for operation in graph.get_operations()[before:]:
                owners.by_node.setdefault(operation.name, layer.name)
        return result

    keras.layers.Layer.__call__ = call
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = original
