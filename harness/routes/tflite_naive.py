"""Route `tflite-naive`: the TFLite converter on the function with its variables, as articles do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.routes import Needs, Route

if TYPE_CHECKING:
    from pathlib import Path

    from harness.export.network import Network
    from harness.manifests import Manifest


def _export(network: Network, folder: Path, _opset: int | None) -> Manifest:
    from harness.export import tflite_files

    return tflite_files.export_naive(network, folder)


ROUTE = Route(
    name="tflite-naive",
    formats=("tflite",),
    stock=True,
    needs=Needs.GRAPH,
    summary="the TFLite converter on the function with its variables, as articles do",
    export=_export,
)
