"""Route `as-is`: the file as it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.routes import Needs, Route

if TYPE_CHECKING:
    from pathlib import Path

    from harness.export.network import Network
    from harness.manifests import Manifest


def _export(network: Network, folder: Path, _opset: int | None) -> Manifest:
    from harness.export import as_is

    return as_is.export(network, folder)


ROUTE = Route(
    name="as-is",
    formats=(
        "pb",
        "onnx",
        "tflite",
    ),
    stock=False,
    needs=Needs.FILE,
    summary="the file as it was given",
    export=_export,
)
