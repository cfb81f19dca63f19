"""Route `onnx-tf2onnx-cli`: the tf2onnx command line on the SavedModel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.routes import Needs, Route

if TYPE_CHECKING:
    from pathlib import Path

    from harness.export.network import Network
    from harness.manifests import Manifest


def _export(network: Network, folder: Path, _opset: int | None) -> Manifest:
    from harness.export import onnx_files

    return onnx_files.export_by_command(network, folder)


ROUTE = Route(
    name="onnx-tf2onnx-cli",
    formats=("onnx",),
    stock=True,
    needs=Needs.SAVED_MODEL,
    quick=False,
    summary="the tf2onnx command line on the SavedModel",
    export=_export,
)
