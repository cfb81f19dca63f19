"""Faults of weights: scaled, rounded, in another order, left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from harness.export.faults.graph import Graph, Values, attribute, called, pick, shuffled

SCALED = "weights-scaled"
_NO_WEIGHTS = frozenset({"Resize", "Upsample", "Clip", "Pad", "TopK", "Range", "OneHot", "ConstantOfShape", "Dropout"})
"""Ops whose constants are settings, not weights."""

Random = np.random.RandomState


def weight_tensors(graph: Graph) -> list[str]:
    """Return the float initialisers of two values or more that nodes compute with, but for those without effect."""
    found = []
    for item in graph.model.graph.initializer:
        values = graph.value(item.name)
        readers = graph.readers(item.name)
        if values is None or values.dtype.kind != "f" or values.size < 2 or not readers:
            continue
        if all(reader.op_type not in _NO_WEIGHTS for reader in readers) and values.any():
            found.append(item.name)
    return found


def scaled(factor: float) -> Callable[[Graph, Random], str | None]:
    """Return the fault of one weight tensor multiplied by a factor."""

    def plant(graph: Graph, random: Random) -> str | None:
        name = pick(random, weight_tensors(graph))
        if name is None:
            return None
        values = _value(graph, name)
        graph.set_value(name, (values.astype(np.float64) * factor).astype(values.dtype))
        return f"weights {name!r} {list(values.shape)} x {factor:.9g}"

    return plant


def _value(graph: Graph, name: str) -> Values:
    values = graph.value(name)
    assert values is not None  # noqa: S101 - for mypy: the name is an initialiser's
    return values


def _one_weight(factor: float) -> Callable[[Graph, Random], str | None]:
    def plant(graph: Graph, random: Random) -> str | None:
        name = pick(random, weight_tensors(graph))
        if name is None:
            return None
        values = _value(graph, name)
        place = int(np.argmax(np.abs(np.nan_to_num(values, posinf=0, neginf=0))))
        before = float(values.flat[place])
        values.flat[place] = before * factor
        graph.set_value(name, values)
        return f"weight {place} of {name!r} {list(values.shape)}: {before:.6g} became {float(values.flat[place]):.6g}"

    return plant


def _half(graph: Graph, _random: Random) -> str | None:
    """Round all weights as a float16 model does."""
    changed = 0
    for name in weight_tensors(graph):
        values = _value(graph, name)
        if np.abs(values).max() < np.finfo(np.float16).max:
            rounded = values.astype(np.float16).astype(values.dtype)
            changed += int(np.count_nonzero(rounded != values))
            graph.set_value(name, rounded)
    return f"{changed} weights rounded to float16" if changed else None


def _output_axis(node: Any, place: int, rank: int) -> int | None:
    """Return the axis of a node's constant operand that runs over its output channels."""
    if node.op_type == "Conv":
        return 0 if place == 1 else None
    if node.op_type == "ConvTranspose":
        return 1 if place == 1 else None
    if node.op_type == "Gemm":
        return 0 if attribute(node, "transB", 0) else 1
    return rank - 1


def _kernels(graph: Graph, *ops: str) -> list[tuple[Any, Values]]:
    """Return the nodes of these ops whose second operand is a constant of two axes or more, with its values."""
    pairs = [(node, graph.operand(node, 1)) for node in graph.nodes(*ops)]
    return [(node, values) for node, values in pairs if values is not None and values.ndim >= 2]


def _channels_swapped(graph: Graph, random: Random) -> str | None:
    for node, values in shuffled(random, _kernels(graph, "Conv", "ConvTranspose", "Gemm", "MatMul")):
        axis = _output_axis(node, 1, values.ndim)
        if axis is None or values.shape[axis] < 2:
            continue
        one, other = sorted(random.choice(values.shape[axis], 2, replace=False).tolist())
        order = np.arange(values.shape[axis])
        order[[one, other]] = other, one
        moved = np.take(values, order, axis=axis)
        if not np.array_equal(moved, values):
            graph.set_operand(node, 1, moved)
            return f"output channels {one} and {other} of the kernel of {called(node)} exchanged"
    return None


def _kernel_transposed(graph: Graph, random: Random) -> str | None:
    """Take rows for columns in a kernel's memory; it keeps its shape, so the model stays valid."""
    for node, values in shuffled(random, _kernels(graph, "Conv", "ConvTranspose")):
        if values.ndim < 4:
            continue
        moved = np.swapaxes(values, -1, -2).reshape(values.shape)
        if not np.array_equal(moved, values):
            graph.set_operand(node, 1, moved)
            return f"kernel {list(values.shape)} of {called(node)} with rows and columns exchanged"
    return None


def _bias_dropped(graph: Graph, random: Random) -> str | None:
    for node, place in shuffled(random, _biases(graph)):
        values = graph.operand(node, place)
        if values is not None and values.any():
            graph.set_operand(node, place, np.zeros_like(values))
            return f"bias {list(values.shape)} of {called(node)} dropped"
    return None


def _biases(graph: Graph) -> list[tuple[Any, int]]:
    """Return where biases are added: third operands, and constant vectors added to a product."""
    found = [(node, 2) for node in graph.nodes("Conv", "ConvTranspose", "Gemm") if len(node.input) > 2]
    made_by = {name: node for node in graph.model.graph.node for name in node.output}
    for node in graph.nodes("Add"):
        for place in (0, 1):
            values = graph.operand(node, place)
            other = made_by.get(node.input[1 - place])
            is_product = other is not None and other.op_type in {"MatMul", "Conv", "Gemm", "ConvTranspose"}
            if is_product and values is not None and values.dtype.kind == "f":
                found.append((node, place))
    return found


def _groups_exchanged(graph: Graph, random: Random) -> str | None:
    """Put the kernels of the first two groups in each other's place."""
    grouped = [pair for pair in _kernels(graph, "Conv") if attribute(pair[0], "group", 1) > 1]
    for node, values in shuffled(random, grouped):
        groups = attribute(node, "group", 1)
        blocks = values.reshape(groups, values.shape[0] // groups, *values.shape[1:])
        moved = np.concatenate([blocks[1::-1], blocks[2:]]).reshape(values.shape)
        if not np.array_equal(moved, values):
            graph.set_operand(node, 1, moved)
            return f"groups 0 and 1 of {groups} of {called(node)} exchanged"
    return None


PLANTS = {
    "weights-up-1%": scaled(1.01),
    "weights-down-1%": scaled(0.99),
    "one-weight-up-10%": _one_weight(1.1),
    "one-weight-down-10%": _one_weight(0.9),
    "weights-half": _half,
    "channels-swapped": _channels_swapped,
    "kernel-transposed": _kernel_transposed,
    "bias-dropped": _bias_dropped,
    "groups-exchanged": _groups_exchanged,
}
