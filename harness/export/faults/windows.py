"""Faults of sliding windows: padding, dilation, and what a pool counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.export.faults.graph import Graph, Values, attribute, become, called, set_attribute, shuffled

Random = np.random.RandomState


def _padding_shifted(graph: Graph, random: Random) -> str | None:
    """Move one cell of padding from one end of an axis to the other: the result keeps its size."""
    for node in shuffled(random, graph.nodes("Conv", "MaxPool", "AveragePool", "Pad")):
        pads = _pads(graph, node)
        moved = None if pads is None else _shift(pads, random)
        if moved is None:
            continue
        if node.op_type == "Pad" and len(node.input) > 1:
            graph.set_operand(node, 1, np.asarray(moved, np.int64))
        else:
            set_attribute(node, "pads", moved)
        return f"pads {pads} of {called(node)} became {moved}"
    return None


def _pads(graph: Graph, node: Any) -> list[int] | None:
    """Return a node's padding, all begins before all ends; None where it has none that is known."""
    if node.op_type == "Pad" and len(node.input) > 1:
        values = graph.operand(node, 1)
        return None if values is None else [int(value) for value in values]
    return list(attribute(node, "pads", [])) or None


def _shift(pads: list[int], random: Random) -> list[int] | None:
    axes = len(pads) // 2
    for axis in random.permutation(axes):
        begin, end = int(axis), int(axis) + axes
        giver, taker = (begin, end) if pads[begin] > 0 else (end, begin)
        if pads[giver] > 0 and pads[taker] >= 0:
            moved = list(pads)
            moved[giver] -= 1
            moved[taker] += 1
            return moved
    return None


def _dilation_ignored(graph: Graph, random: Random) -> str | None:
    """Put a dilated kernel's taps side by side, centred in the same window, so that the result keeps its size."""
    for node in shuffled(random, graph.nodes("Conv")):
        dilations: list[int] = list(attribute(node, "dilations", []))
        kernel = graph.operand(node, 1)
        if kernel is None or max(dilations, default=1) == 1 or not _spread(kernel, dilations):
            continue
        windows = [d * (k - 1) + 1 for d, k in zip(dilations, kernel.shape[2:], strict=True)]
        wide = np.zeros((*kernel.shape[:2], *windows), kernel.dtype)
        starts = [(window - k) // 2 for window, k in zip(windows, kernel.shape[2:], strict=True)]
        places = [slice(start, start + k) for start, k in zip(starts, kernel.shape[2:], strict=True)]
        wide[(slice(None), slice(None), *places)] = kernel
        graph.set_operand(node, 1, wide)
        set_attribute(node, "dilations", [1] * len(dilations))
        set_attribute(node, "kernel_shape", windows)
        return f"dilations {dilations} of {called(node)} ignored"
    return None


def _spread(kernel: Values, dilations: list[int]) -> bool:
    return any(d > 1 and k > 1 for d, k in zip(dilations, kernel.shape[2:], strict=True))


def _pool_counts_padding(graph: Graph, random: Random) -> str | None:
    """Count padding in the average where it was not counted, or the other way round."""
    for node in shuffled(random, graph.nodes("AveragePool")):
        if any(attribute(node, "pads", [])):
            counts = int(attribute(node, "count_include_pad", 0))
            set_attribute(node, "count_include_pad", 1 - counts)
            return f"count_include_pad of {called(node)} became {1 - counts}"
    return None


_OTHER_POOL = {
    "MaxPool": "AveragePool",
    "AveragePool": "MaxPool",
    "GlobalMaxPool": "GlobalAveragePool",
    "GlobalAveragePool": "GlobalMaxPool",
}


def _pool_exchanged(graph: Graph, random: Random) -> str | None:
    """Take the largest value of a window for its average, or the average for the largest."""
    for node in shuffled(random, graph.nodes(*_OTHER_POOL)):
        settings = {name: attribute(node, name, None) for name in ("kernel_shape", "strides", "pads", "ceil_mode")}
        before, op = called(node), _OTHER_POOL[node.op_type]
        become(node, op, list(node.input), **{name: value for name, value in settings.items() if value is not None})
        return f"{before} became {op}"
    return None


PLANTS = {
    "padding-shifted": _padding_shifted,
    "dilation-ignored": _dilation_ignored,
    "pool-counts-padding": _pool_counts_padding,
    "pool-exchanged": _pool_exchanged,
}
