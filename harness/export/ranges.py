"""The range of whole-number inputs that a network looks up in tables: ids beyond a table are nobody's to answer for.

What lies outside is refused by OpenCV and answered by TensorFlow with whatever its kernel does; what is inside but
never tried would leave rows of an embedding unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from harness.errors import ExportFailedError
from harness.export.network import Network
from harness.export.passes.nodes import node_of
from harness.manifests import TensorSpec

_PASSING = frozenset({"Identity", "Cast", "Reshape", "ExpandDims", "Squeeze", "StopGradient", "Transpose", "Tile"})
"""Ops that hand on the numbers themselves."""
_CHOOSING = frozenset({"SelectV2", "Select"})
"""Keras lets ids below zero count from the end: where(ids < 0, ids + rows, ids)."""
_LOOKUPS = {"GatherV2": 1, "Gather": 1, "ResourceGather": 1}
"""Ops that look up a table (their first input), and which input is the ids."""


def know_ranges(network: Network) -> None:
    """Narrow the specs of open whole-number inputs to the smallest table that they are looked up in."""
    specs = network.interface.inputs
    if network.file_only or not any(map(_is_open, specs)):
        return
    try:
        graph = network.whole
    except ExportFailedError:  # whoever exports it will hear so
        return
    sizes = _Tables(graph)
    found = tuple(
        _narrowed(spec, min(sizes.of(name), default=None)) if _is_open(spec) else spec
        for name, spec in zip(network.interface.input_names, specs, strict=True)
    )
    network.interface = replace(network.interface, inputs=found)


def _is_open(spec: TensorSpec) -> bool:
    return spec.dtype.startswith(("int", "uint")) and spec.low is None and spec.high is None


def _narrowed(spec: TensorSpec, rows: int | None) -> TensorSpec:
    return spec if rows is None else replace(spec, low=0.0, high=float(rows - 1))


class _Tables:
    """Follows an input to the tables it is looked up in."""

    def __init__(self, graph: Any) -> None:
        self._nodes = {node.name: node for node in graph.node}
        self._takers: dict[str, list[Any]] = {}
        for node in graph.node:
            for source in node.input:
                self._takers.setdefault(node_of(source), []).append(node)

    def of(self, name: str, seen: set[str] | None = None) -> Iterator[int]:
        """Yield the number of rows of each table; every node on the way is passed once."""
        seen = set() if seen is None else seen
        if name in seen:
            return
        seen.add(name)
        for taker in self._takers.get(name, ()):
            if (taker.op in _PASSING and node_of(taker.input[0]) == name) or (
                taker.op in _CHOOSING and name in map(node_of, taker.input[1:])
            ):
                yield from self.of(taker.name, seen)
            elif taker.op in _LOOKUPS and node_of(taker.input[_LOOKUPS[taker.op]]) == name:
                rows = self._rows(taker)
                if rows:
                    yield rows

    def _rows(self, lookup: Any) -> int | None:
        """Return the length of a constant table along the axis that is looked up; None where it is computed."""
        from tensorflow.python.framework.tensor_util import MakeNdarray

        table = self._nodes[node_of(lookup.input[0])]
        while table.op == "Identity":
            table = self._nodes[node_of(table.input[0])]
        if table.op != "Const":
            return None
        axis = self._nodes[node_of(lookup.input[2])] if len(lookup.input) > 2 else None
        if axis is not None and axis.op != "Const":
            return None
        place = 0 if axis is None else int(MakeNdarray(axis.attr["value"].tensor))
        shape = [size.size for size in table.attr["value"].tensor.tensor_shape.dim]
        return shape[place] if shape else None
