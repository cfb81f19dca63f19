"""Which Keras layer made which graph node, recorded while a model is traced.

Name scopes alone cannot tell: Keras opens each layer's scope twice, so layer `conv2d` makes `conv2d_1/convolution`,
which is also the name of another layer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.export.rewriting import Rewriter

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
def recorded(owners: Owners, rewriter: Rewriter | None = None) -> Iterator[None]:
    """Record, while active, the innermost layer or operation during whose call each node of a graph is made.

    A layer within a layer is named by both (`attention/softmax`), one within a model by its own name; what a layer
    calls of `keras.ops` is the layer's own work.
    """
    import keras

    calls = _Calls(owners, rewriter)
    with calls.watching(keras.layers.Layer), calls.watching(keras.Operation):
        yield


class _Calls:
    """Who is calling whom, while a model is traced."""

    def __init__(self, owners: Owners, rewriter: Rewriter | None) -> None:
        self._owners = owners
        self._rewriter = rewriter
        self._layers: list[str] = []
        """Names of the layers that are being called, outermost first, without models."""
        self._models: list[str] = []
        self._called: Any = None
        """The layer whose call is under way: Keras goes through the calls of all its base classes."""

    @contextmanager
    def watching(self, kind: Any) -> Iterator[None]:
        """Watch every call of a kind of layer or operation."""
        original = kind.__call__

        def call(maker: Any, *arguments: Any, **options: Any) -> Any:
            return self._call(maker, lambda: original(maker, *arguments, **options), arguments, options)

        kind.__call__ = call
        try:
            yield
        finally:
            kind.__call__ = original

    def _call(self, maker: Any, run: Callable[[], Any], arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
        if maker is self._called:
            return run()
        outer, self._called = self._called, maker
        try:
            return self._first_call(maker, run, arguments, options)
        finally:
            self._called = outer

    def _first_call(
        self, maker: Any, run: Callable[[], Any], arguments: Sequence[Any], options: Mapping[str, Any]
    ) -> Any:
        import keras

        if isinstance(maker, keras.Model):
            with _within(self._models, maker.name):
                return run()
        within = self._layers and self._rewriter is not None and self._rewriter.stands_for(self._layers[-1])
        if within or (self._layers and not isinstance(maker, keras.layers.Layer)):
            return run()
        name = self._name(maker)
        before = _count()
        with _within(self._layers, name):
            rewriter = self._rewriter
            result = run() if rewriter is None else rewriter.call(name, maker, run, arguments, options)
        self._record(maker, name, before)
        return result

    def _name(self, maker: Any) -> str:
        """Return the name that nobody else has: layers of nested models may be namesakes."""
        name = "/".join([*self._layers[-1:], maker.name])
        if self._owners.makers.get(name, maker) is not maker:
            name = "/".join([*self._models[-1:], name])
        return name

    def _record(self, maker: Any, name: str, before: int) -> None:
        import keras
        import tensorflow as tf

        self._owners.makers.setdefault(name, maker)
        made = [operation.name for operation in tf.compat.v1.get_default_graph().get_operations()[before:]]
        # The steps of a recurrent layer are its own work: its cell is called once for each.
        known = {} if isinstance(maker, keras.layers.RNN) else self._owners.by_node
        self._owners.by_node.update({node: name for node in made if node not in known})


def _count() -> int:
    import tensorflow as tf

    return len(tf.compat.v1.get_default_graph().get_operations())


@contextmanager
def _within(names: list[str], name: str) -> Iterator[None]:
    names.append(name)
    try:
        yield
    finally:
        names.pop()
