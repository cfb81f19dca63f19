"""Route `tflite`: the TFLite converter on the frozen function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.routes import Needs, Route

if TYPE_CHECKING:
    from pathlib import Path

    from harness.export.network import Network
    from harness.manifests import Manifest


def _export(network: Network, folder: Path, _opset: int | None) -> Manifest:
    from harness.export import tflite_files

    return tflite_files.export(network, folder)


ROUTE = Route(
    name="tflite",
    formats=("tflite",),
    stock=False,
    needs=Needs.GRAPH,
    summary="the TFLite converter on the frozen function",
    export=_export,
)
