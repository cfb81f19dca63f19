"""Route `onnx`: the folded graph through tf2onnx, clean names, no dangling inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.routes import Needs, Route

if TYPE_CHECKING:
    from pathlib import Path

    from harness.export.network import Network
    from harness.records import Manifest


def _export(network: Network, folder: Path) -> Manifest:
    from harness.export import onnx_files

    return onnx_files.export(network, folder)


ROUTE = Route(
    name="onnx",
    formats=("onnx",),
    stock=False,
    needs=Needs.GRAPH,
    summary="the folded graph through tf2onnx, clean names, no dangling inputs",
    export=_export,
)
