"""Tensors on their way into OpenCV and back: layouts, bytes, and outputs found by name. Pure.

The exporter's word on each port (`Port.layout`) decides how axes are turned; shapes that do not fit are handed on as
they are, never reshaped, for the comparison to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.manifests import Layout, Port
from harness.pictures import Picture
from harness.pure import npy
from harness.pure.npy import Array

_NHWC_TO_NCHW = (0, 3, 1, 2)
_NCHW_TO_NHWC = (0, 2, 3, 1)
_DECORATION = re.compile(r"^(?:onnx_node_output_\d+!|onnx_node!)")


Feed = Sequence[Array | Picture]
"""One value per input port, in order: arrays in Keras's layout, or pictures."""


def blob_parameters(value: Array | Picture, port: Port) -> dict[str, Any] | None:
    """Return what the worker needs to make the blob itself, or None for an array, which is sent ready."""
    if not isinstance(value, Picture):
        return None
    return {
        "scale": value.blob.scale,
        "mean": value.blob.mean,
        "swap_rb": value.blob.swap_rb,
        "axes": None if port.layout is Layout.NCHW else _NCHW_TO_NHWC,  # blobFromImage always makes NCHW
    }


def encode(value: Array | Picture, port: Port) -> memoryview:
    """Return a value as the bytes of an `.npy` file, in OpenCV's layout. Raises HarnessError for a wrong rank."""
    if isinstance(value, Picture):
        return npy.dumps(value.image)
    if port.layout is Layout.AS_KERAS:
        return npy.dumps(value)
    if value.ndim != len(_NHWC_TO_NCHW):
        raise HarnessError(
            f"input {port.name!r} is exported as NCHW, but a value of shape {value.shape} came; give four axes (NHWC)"
        )
    return npy.dumps(value.transpose(_NHWC_TO_NCHW))


def to_keras(array: Array, port: Port) -> Array:
    """Return an output in Keras's layout; one whose rank does not fit its port's layout stays as it is."""
    if port.layout is Layout.NCHW and array.ndim == len(_NCHW_TO_NHWC):
        return np.ascontiguousarray(array.transpose(_NCHW_TO_NHWC))
    return array


def match_outputs(
    wanted: Iterable[str], offered: Sequence[str], layers: Sequence[str], *, renamed: bool = False
) -> list[str | None]:
    """Find each exported output among OpenCV's names: exactly, else without decorations; None where it is not found.

    `offered` are the unconnected outputs. One output that feeds another is not among them but is a layer, so `layers`
    come second. Never by position or likeness: two outputs taken for each other would pass for a wrong network.
    `renamed` is for importers that fuse patterns (.pb: batch normalisation) and name the result after an inner node:
    there, where one output is wanted and one is offered, nothing can be confused.
    """
    names = list(wanted)
    found = [_find(name, offered) or _find(name, layers) for name in names]
    return [offered[0]] if renamed and found == [None] and len(offered) == 1 else found


def _find(name: str, places: Sequence[str]) -> str | None:
    if name in places:
        return name
    plain = undecorated(name)
    found = [place for place in places if undecorated(place) == plain]
    return found[0] if len(found) == 1 else None


def undecorated(name: str) -> str:
    """Strip what releases put around a name. `:0` says nothing; `:1` names another output and stays.

    >>> undecorated("onnx_node_output_0!head/Sigmoid:0"), undecorated("onnx_node!split:1")
    ('head/Sigmoid', 'split:1')
    """
    return _DECORATION.sub("", name).removesuffix(":0")
