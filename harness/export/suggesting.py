"""Which ways there are to write a network's layers: asked of the Keras objects, which the host does not have."""

from __future__ import annotations

from collections.abc import Sequence

from harness.export.advice import WAYS
from harness.export.network import Network
from harness.suggestions import Suggestion, Suggestions


def suggest(network: Network, layers: Sequence[str]) -> Suggestions:
    """Return the ways for some layers, for each the exact ones first, and of those around it the innermost first."""
    operations: dict[str, set[str]] = {}
    for node in network.whole.node:
        owner = network.owners.by_node.get(node.name)
        if owner is not None:
            operations.setdefault(owner, set()).add(node.op)
    return Suggestions(
        entries=tuple(
            suggestion
            for layer in layers
            for suggestion in _of_one(network, layer, frozenset(operations.get(layer, ())))
        )
    )


def _of_one(network: Network, layer: str, operations: frozenset[str]) -> list[Suggestion]:
    maker = network.owners.makers.get(layer)
    if maker is None:
        return []
    found = []
    for way in WAYS.values():
        text = way.text(maker) if way.suits(maker, operations) else None
        if text is not None:
            suggestion = Suggestion(
                layer=layer,
                class_=type(maker).__name__,
                way=way.name,
                says=way.says,
                code=text,
                operation=way.operation,
                bar=way.bar,
            )
            found.append(suggestion)
    return sorted(found, key=lambda suggestion: suggestion.bar)
