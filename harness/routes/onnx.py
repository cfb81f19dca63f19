"""Route `onnx`: the folded graph through tf2onnx, clean names, no dangling inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.routes import Needs, Route

if TYPE_CHECKING:
    from pathlib import Path

    from harness.export.network import Network
    from harness.manifests import Manifest


_OPSETS = (13, 11, 10, 15, 17, 18)
"""13 is the oldest that all of tf2onnx's rewriters serve. OpenCV 4.6 refuses its Squeeze, whose axes are inputs, and
reads that of 11; it also refuses the Clip and the negative axes of 11, and reads what 10 has instead."""


def _export(network: Network, folder: Path, opset: int | None) -> Manifest:
    from harness.export import onnx_files

    return onnx_files.export(network, folder, _OPSETS[0] if opset is None else opset)


ROUTE = Route(
    name="onnx",
    formats=("onnx",),
    stock=False,
    needs=Needs.GRAPH,
    summary="the folded graph through tf2onnx, clean names, no dangling inputs",
    export=_export,
    opsets=_OPSETS,
)
