"""Route `onnx-dynamic-batch`: as `onnx`, with the batch axis left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.routes import Needs, Route

if TYPE_CHECKING:
    from pathlib import Path

    from harness.export.network import Network
    from harness.manifests import Manifest


_OPSETS = (13, 11, 15, 18)


def _export(network: Network, folder: Path, opset: int | None) -> Manifest:
    from harness.export import onnx_files

    return onnx_files.export_with_free_batch(network, folder, _OPSETS[0] if opset is None else opset)


ROUTE = Route(
    name="onnx-dynamic-batch",
    formats=("onnx",),
    stock=False,
    needs=Needs.GRAPH,
    quick=False,
    summary="as onnx, with the batch axis left open: run on one item, then on several at once",
    export=_export,
    opsets=_OPSETS,
)
