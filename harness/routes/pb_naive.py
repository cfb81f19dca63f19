"""Route `pb-naive`: freeze only, as articles do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.routes import Needs, Route

if TYPE_CHECKING:
    from pathlib import Path

    from harness.export.network import Network
    from harness.manifests import Manifest


def _export(network: Network, folder: Path, _opset: int | None) -> Manifest:
    from harness.export import pb

    return pb.export_naive(network, folder)


ROUTE = Route(
    name="pb-naive",
    formats=("pb",),
    stock=True,
    needs=Needs.GRAPH,
    summary="freeze only, as articles do",
    export=_export,
)
