"""The kinds of faults by name, and planting one in a model file."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from harness.export.faults import activations, arithmetic, sampling, weights, windows
from harness.export.faults.graph import Graph

Plant = Callable[[Graph, np.random.RandomState], str | None]
"""Edits the model in place and returns what was changed, in words; None, and no change, where it does not apply."""

PLANTS: dict[str, Plant] = {
    **weights.PLANTS,
    **windows.PLANTS,
    **activations.PLANTS,
    **sampling.PLANTS,
    **arithmetic.PLANTS,
}


def plant(model: Any, kind: str, seed: str) -> str | None:
    """Plant a fault of a kind in a ModelProto, in place; the seed decides where, the same way every time.

    Returns what was changed, or None where such a fault cannot be planted.
    """
    name, _, amount = kind.partition("=")
    random = np.random.RandomState(zlib.crc32(f"{seed} {name}".encode()))
    chosen = weights.scaled(1 + float(amount)) if name == weights.SCALED else PLANTS[kind]
    return chosen(Graph(model), random)


def plant_file(source: Path, target: Path, kind: str, seed: str) -> str | None:
    """Write a faulty copy of a model file; None, and no file, where the fault does not apply."""
    import onnx

    model = onnx.load(source)
    change = plant(model, kind, seed)
    if change is not None:
        target.write_bytes(model.SerializeToString())
    return change
