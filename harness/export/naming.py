"""Clean names for a graph's inputs and outputs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

_UNCLEAN = re.compile(r"[^A-Za-z0-9_]+")


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
