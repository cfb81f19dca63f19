"""Names: clean ones for a graph's inputs and outputs, and the way back from a graph's nodes to Keras layers.

Pure: works on strings and on a Keras model's public attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_UNCLEAN = re.compile(r"[^A-Za-z0-9_]+")
_COUNTER = re.compile(r"_\d+$")
_CONVERTER_SUFFIX = re.compile(r"__\d+$")


def clean(names: Iterable[str]) -> tuple[str, ...]:
    """Return names that every importer takes as they are: letters, digits, `_`; no leading digit; no duplicate."""
    found: list[str] = []
    for index, name in enumerate(names):
        plain = _UNCLEAN.sub("_", name).strip("_") or f"input_{index}"
        plain = f"input_{plain}" if plain[0].isdigit() else plain
        while plain in found or plain.startswith("output_"):
            plain = f"{plain}_{index}" if plain in found else f"input_{plain}"
        found.append(plain)
    return tuple(found)


def outputs(count: int) -> tuple[str, ...]:
    """Return the graph names of a model's outputs. Keras names repeat and clash with name scopes; these do not."""
    return tuple(f"output_{index}" for index in range(count))


def layer_names(model: Any) -> tuple[str, ...]:
    """Return the names of all layers of a Keras model, nested ones included, without the model itself."""
    flatten = model._flatten_layers
    return tuple(dict.fromkeys(layer.name for layer in flatten(include_self=False)))


def node_layers(nodes: Iterable[str], layers: Iterable[str]) -> dict[str, str]:
    """Map node names to layer names: the deepest name scope that is a layer's, counters of repeated calls removed."""
    known = frozenset(layers)
    found = {node: _layer_of(node, known) for node in nodes}
    return {node: layer for node, layer in found.items() if layer is not None}


def _layer_of(node: str, known: frozenset[str]) -> str | None:
    for scope in reversed(node.split("/")):
        plain = _CONVERTER_SUFFIX.sub("", scope)
        for candidate in (plain, _COUNTER.sub("", plain)):
            if candidate in known:
                return candidate
    return None
