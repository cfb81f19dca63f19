"""Which axes order OpenCV uses at an artifact's ports: the rules of its importers, stated in one place.

ONNX nets take and give what their graph says, so they are `AS_KERAS` throughout. The `.pb` and `.tflite`
importers keep 4-D tensors as NCHW and remember for each tensor whether that is a change from the graph's order:

* inputs of rank 4 are NCHW; all other ranks are as in the graph;
* convolutions, pooling, resizing and the like give NCHW; elementwise ops hand on what they get;
* `Transpose` by (0, 3, 1, 2) moves no data: the graph asks for NCHW and OpenCV has it, so the result is in the
  graph's order, and (0, 2, 3, 1) turns that back;
* `Reshape` from another rank to rank 4 keeps the graph's order.

Measured on 4.14.0 and 5.0.0 with nets of unequal H, W and C: conv (1, 7, 10, 7) comes out as (1, 7, 7, 10);
conv + Permute((3, 1, 2)) as (1, 4, 7, 10), equal to Keras; dense + Reshape((3, 4, 5)) as (1, 3, 4, 5), equal to
Keras; 3-D and 5-D results equal to Keras. `tf_importer.cpp` (`data_layouts`) and `tflite_importer.cpp`
(`layouts`) say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.manifests import Layout

_IMAGE_RANK = 4
_TO_NCHW = (0, 3, 1, 2)
_TO_NHWC = (0, 2, 3, 1)
_RESHAPES = frozenset({"RESHAPE", "EXPANDDIMS", "EXPAND_DIMS", "SQUEEZE"})
_IMAGE_OPS = ("CONV", "POOL", "RESIZE", "FUSEDBATCHNORM", "SPACETODEPTH", "DEPTHTOSPACE", "LRN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a tensor is made: its op, the first computed tensor it is made from, and a transpose's permutation."""

    op: str
    source: str | None = None
    permutation: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensors:
    """A graph as far as layouts depend on it: the step behind each computed tensor, and every tensor's rank."""

    steps: Mapping[str, Step]
    ranks: Mapping[str, int]


def image_layout(rank: int) -> Layout:
    """Return the layout of an input, or of any tensor that no reshape or transpose stands behind."""
    return Layout.NCHW if rank == _IMAGE_RANK else Layout.AS_KERAS


def layout_of(tensor: str, graph: Tensors) -> Layout:
    """Return the layout in which OpenCV's `.pb` and `.tflite` importers hold a tensor."""
    passed: list[tuple[int, ...]] = []
    while graph.ranks.get(tensor) == _IMAGE_RANK and tensor in graph.steps:
        step = graph.steps[tensor]
        if _is_image_op(step.op) or step.source is None:
            break
        if step.op.upper() in _RESHAPES and graph.ranks.get(step.source) != _IMAGE_RANK:
            return _through(Layout.AS_KERAS, passed)
        if step.permutation is not None:
            passed.append(step.permutation)
        tensor = step.source
    return _through(image_layout(graph.ranks.get(tensor, 0)), passed)


def _is_image_op(op: str) -> bool:
    plain = op.upper().replace("_", "")
    return any(mark in plain for mark in _IMAGE_OPS)


def _through(layout: Layout, permutations: list[tuple[int, ...]]) -> Layout:
    """Apply the transposes that lie between a tensor of known layout and the one asked for."""
    for permutation in reversed(permutations):
        if layout is Layout.NCHW and permutation == _TO_NCHW:
            layout = Layout.AS_KERAS
        elif layout is Layout.AS_KERAS and permutation == _TO_NHWC:
            layout = Layout.NCHW
    return layout
