"""One ONNX model for every batch size, from two models of the same network converted at two sizes.

Where the two are equal, the network does not depend on the batch. Where they differ, the difference says how it does:
a Reshape to (2, 6) here and (3, 6) there is one to (-1, 6). So nothing is guessed from values that look like a batch
size, and what was written stands for both models exactly. What follows no such pattern is refused by name.

Constants that must be as long as the batch (a class token, initial states) are repeated at run time. OpenCV 5 does so;
OpenCV 4 computes what depends on an input's shape once, at import, and then refuses other sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.errors import ExportFailedError

SIZES = (2, 3)
"""Not 1: at one item, sums over the batch, repetitions and transpositions leave the graph."""
AXIS = "batch"

_Array = npt.NDArray[Any]
_BROADCASTS = frozenset(
    {"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Where", "PRelu", "Equal", "Greater", "Less", "And", "Or"}
)
_SHAPED = {"Expand": 1, "ConstantOfShape": 0, "Reshape": 1}
"""Ops that are told a shape, and by which input."""
_ALL = np.iinfo(np.int64).max
"""The end of a Slice that takes all there is."""


def unify(smaller: Any, larger: Any) -> Any:
    """Return the ModelProto that is `smaller` at SIZES[0] items and `larger` at SIZES[1]; its batch axis is free.

    Raises ExportFailedError naming what depends on the batch in a way that no ONNX graph of this form can say.
    """
    model = type(smaller)()
    model.CopyFrom(smaller)
    del model.graph.value_info[:]  # shapes of one size; inference finds them again
    for ours, theirs in ((model.graph.input, larger.graph.input), (model.graph.output, larger.graph.output)):
        for value, other in zip(ours, theirs, strict=True):
            _free(value, other)
    _Unifier(model.graph, larger.graph).run()
    return model


def _refusal(what: str) -> ExportFailedError:
    return ExportFailedError(
        f"{what} depends on the batch size, so the batch cannot be left open; export the network at the size you need"
    )


class _Unifier:
    """Walks both graphs in step and writes what differs for any size; the first graph is changed in place.

    Names say nothing: tf2onnx numbers them, and joins constants that happen to be equal at one size.
    """

    def __init__(self, graph: Any, larger: Any) -> None:
        self._graph = graph
        self._larger = larger
        self._constants = {item.name: item for item in graph.initializer}
        self._theirs = {item.name: item for item in larger.initializer}
        self._written: list[Any] = []

    def run(self) -> None:
        for node, other in self._pairs():
            self._join(node, other)
        del self._graph.node[:]
        self._graph.node.extend(self._written)
        _drop_unread_constants(self._graph)

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        """Yield the nodes with their counterparts, found from the outputs backwards, each after what it reads."""
        makers, theirs = _makers(self._graph), _makers(self._larger)
        counterparts: dict[str, Any] = {}
        inputs = {value.name: other.name for value, other in zip(self._graph.input, self._larger.input, strict=True)}
        waiting = [(ours.name, other.name) for ours, other in zip(self._graph.output, self._larger.output, strict=True)]
        while waiting:
            name, their = waiting.pop()
            if name in makers and their in theirs:
                node, other = makers[name], theirs[their]
                if node.output[0] not in counterparts:
                    counterparts[node.output[0]] = other
                    waiting += zip(node.input, other.input, strict=False)
                same = counterparts[node.output[0]] == other
                same &= list(node.output).index(name) == list(other.output).index(their)
            else:
                same = inputs.get(name) == their or (name in self._constants) == (their in self._theirs)
            if not same:
                raise _refusal(f"what makes {name!r}")
        yield from ((node, counterparts[node.output[0]]) for node in self._graph.node if node.output[0] in counterparts)

    def _join(self, node: Any, other: Any) -> None:
        if _form(node) != _form(other):
            raise _refusal(f"node {node.name!r} ({node.op_type})")
        for place, (name, their) in enumerate(zip(node.input, other.input, strict=True)):
            if name in self._constants:
                node.input[place] = self._constant(node, place, self._constants[name], self._theirs[their])
        self._written.append(node)

    def _constant(self, node: Any, place: int, ours: Any, theirs: Any) -> str:
        """Return the name of what a node reads in the place of a constant."""
        from onnx.numpy_helper import to_array

        if ours.raw_data == theirs.raw_data and ours.dims == theirs.dims:
            return str(ours.name)
        first, second = to_array(ours), to_array(theirs)
        if np.array_equal(first, second, equal_nan=first.dtype.kind == "f"):
            return str(ours.name)
        value = _at(node.op_type, place, first, second)
        if value is not None:
            return self._new(f"{node.output[0]}/any_batch_{place}", value)
        name = f"{node.output[0]}/constant_{place}"
        if node.op_type in _SHAPED and place == _SHAPED[node.op_type] and (grows := _grows(first, second)) is not None:
            return self._sizes(name, first, grows)
        item = _slab(first, second)
        if item is None or len(first) != SIZES[0]:
            raise _refusal(f"constant {ours.name!r}, which {node.name!r} ({node.op_type}) reads,")
        return self._spread(name, item)

    def _new(self, name: str, value: _Array) -> str:
        from onnx.numpy_helper import from_array

        self._graph.initializer.append(from_array(np.ascontiguousarray(value), name))
        return name

    def _spread(self, name: str, item: _Array) -> str:
        """Repeat one item's worth of a constant along the batch."""
        from onnx.helper import make_node

        sizes = self._sizes(f"{name}/sizes", np.array(item.shape, np.int64), 0)
        self._written.append(make_node("Expand", [self._new(f"{name}/item", item), sizes], [name], name=name))
        return name

    def _sizes(self, name: str, sizes: _Array, batch: int) -> str:
        """Return a vector of sizes, the one at `batch` asked of the first graph input."""
        from onnx.helper import make_node

        start, end = self._new(f"{name}/start", np.array([0])), self._new(f"{name}/end", np.array([1]))
        parts = [f"{name}/items"]
        if batch:
            parts.insert(0, self._new(f"{name}/before", sizes[:batch]))
        if batch + 1 < len(sizes):
            parts.append(self._new(f"{name}/after", sizes[batch + 1 :]))
        self._written += [
            make_node("Shape", [self._graph.input[0].name], [f"{name}/shape"], name=f"{name}/shape"),
            make_node("Slice", [f"{name}/shape", start, end], [f"{name}/items"], name=f"{name}/items"),
            make_node("Concat", parts, [name], name=name, axis=0),
        ]
        return name


def _makers(graph: Any) -> dict[str, Any]:
    """Return tensor -> the node that makes it."""
    return {name: node for node in graph.node for name in node.output}


def _form(node: Any) -> tuple[Any, ...]:
    """Return all of a node but its names."""
    attributes = sorted(item.SerializeToString(deterministic=True) for item in node.attribute)
    return (node.op_type, node.domain, attributes, len(node.input), len(node.output))


def _drop_unread_constants(graph: Any) -> None:
    read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    kept = [item for item in graph.initializer if item.name in read]
    if len(kept) != len(graph.initializer):
        held = [type(item).FromString(item.SerializeToString()) for item in kept]
        del graph.initializer[:]
        graph.initializer.extend(held)


def _at(op: str, place: int, first: _Array, second: _Array) -> _Array | None:
    """Return what may stand in a constant's place at any batch size, or None."""
    if op == "Reshape" and place == 1:
        return _reshape(first, second)
    if op == "Slice" and place == 2:
        return _ends(first, second)
    if op in _BROADCASTS:
        return _slab(first, second)
    return None


def _free(value: Any, other: Any) -> None:
    """Leave the axis open along which a graph's input or output grows with the batch: its first."""
    axes, larger = value.type.tensor_type.shape.dim, other.type.tensor_type.shape.dim
    sizes = [(axis.dim_value, wider.dim_value) for axis, wider in zip(axes, larger, strict=True)]
    if sizes[:1] != [SIZES] or any(first != second for first, second in sizes[1:]):
        shapes = " and ".join(str([size[index] for size in sizes]) for index in range(2))
        raise ExportFailedError(
            f"{value.name!r} has shapes {shapes} for {SIZES[0]} and {SIZES[1]} items, so its first axis is no batch; "
            "export the network at the size you need"
        )
    axes[0].dim_param = AXIS


def _reshape(first: _Array, second: _Array) -> _Array | None:
    """Return the shape with the one size that grows with the batch left to be found."""
    if first.shape != second.shape or -1 in first:
        return None
    grows = np.flatnonzero(first != second)
    if len(grows) != 1 or first[grows[0]] * SIZES[1] != second[grows[0]] * SIZES[0]:
        return None
    shape = first.copy()
    shape[grows[0]] = -1
    return shape


def _grows(first: _Array, second: _Array) -> int | None:
    """Return the one place of a shape that is the batch size."""
    if first.shape != second.shape:
        return None
    places = np.flatnonzero(first != second)
    found = len(places) == 1 and (first[places[0]], second[places[0]]) == SIZES
    return int(places[0]) if found else None


def _ends(first: _Array, second: _Array) -> _Array | None:
    """Return the ends of a Slice; one that is as far as the batch takes all of it."""
    if first.shape != second.shape:
        return None
    differs = first != second
    whole = np.all((first[differs] == SIZES[0]) & (second[differs] == SIZES[1]))
    return np.where(differs, _ALL, first) if whole else None


def _slab(first: _Array, second: _Array) -> _Array | None:
    """Return one item of a constant that is the same for all items, along the one axis that grows; else None."""
    if first.ndim != second.ndim:
        return None
    grows = [axis for axis, sizes in enumerate(zip(first.shape, second.shape, strict=True)) if sizes[0] != sizes[1]]
    if len(grows) != 1 or (first.shape[grows[0]], second.shape[grows[0]]) != SIZES:
        return None
    item = np.take(first, [0], axis=grows[0])
    same = all(np.array_equal(whole, np.broadcast_to(item, whole.shape)) for whole in (first, second))
    return item if same else None
