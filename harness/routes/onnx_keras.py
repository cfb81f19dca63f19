"""Route `onnx-keras`: Keras's own model.export to ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.routes import Needs, Route

if TYPE_CHECKING:
    from pathlib import Path

    from harness.export.network import Network
    from harness.manifests import Manifest


def _export(network: Network, folder: Path, _opset: int | None) -> Manifest:
    from harness.export import onnx_files

    return onnx_files.export_by_keras(network, folder)


ROUTE = Route(
    name="onnx-keras",
    formats=("onnx",),
    stock=True,
    needs=Needs.KERAS,
    quick=False,
    summary="Keras's own model.export to ONNX",
    export=_export,
)
