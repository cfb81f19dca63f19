"""Route `pb`: freeze, fold constants, rewrite what OpenCV cannot read, into one .pb."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.routes import Needs, Route

if TYPE_CHECKING:
    from pathlib import Path

    from harness.export.network import Network
    from harness.manifests import Manifest


def _export(network: Network, folder: Path, _opset: int | None) -> Manifest:
    from harness.export import pb

    return pb.export(network, folder)


ROUTE = Route(
    name="pb",
    formats=("pb",),
    stock=False,
    needs=Needs.GRAPH,
    summary="freeze, fold constants, rewrite what OpenCV cannot read, into one .pb",
    export=_export,
)
