"""Faults of resizing: which coordinate of the small image a pixel of the large one is taken from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.export.faults.graph import Graph, attribute, called, set_attribute, shuffled

Random = np.random.RandomState
_MODE = "coordinate_transformation_mode"
_NO_HALF = frozenset({"asymmetric", "align_corners"})


def _half_pixel(graph: Graph, random: Random) -> str | None:
    """Take half-pixel centres for corners, or corners for half-pixel centres."""
    return _mode(graph, random, lambda mode: "half_pixel" if mode in _NO_HALF else "asymmetric")


def _align_corners(graph: Graph, random: Random) -> str | None:
    """Align corners where they were not aligned, or the other way round."""
    return _mode(graph, random, lambda mode: "half_pixel" if mode == "align_corners" else "align_corners")


def _mode(graph: Graph, random: Random, other: Callable[[str], str]) -> str | None:
    for node in shuffled(random, graph.nodes("Resize")):
        if graph.opset < 11:  # an older Resize has one way only, and no word for it
            continue
        before = attribute(node, _MODE, b"half_pixel")
        mode = before.decode() if isinstance(before, bytes) else str(before)
        after = other(mode)
        set_attribute(node, _MODE, after)
        return f"{_MODE} of {called(node)}: {mode} became {after}"
    return None


PLANTS = {"half-pixel-flipped": _half_pixel, "align-corners-flipped": _align_corners}
