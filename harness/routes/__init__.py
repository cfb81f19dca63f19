"""Routes: the ways from a Keras model into OpenCV. One file per route; adding one is adding a file here.

A route file is read by the host (for its name, format and what it needs) and called in the exporter
(`export`). So its top level may import nothing heavy: TensorFlow, Keras, tf2onnx and onnx are imported
inside the functions that use them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.sources import SourceKind

if TYPE_CHECKING:
    from harness.export.network import Network
    from harness.manifests import Manifest

Export = Callable[["Network", Path, int | None], "Manifest"]
"""Write the artifact's files into an empty folder and describe them. Raises ExportFailedError.

The number is the ONNX opset, one of the route's `opsets`; None is the route's own choice, and all that others get.
"""


class Needs(StrEnum):
    """What a route starts from."""

    GRAPH = "graph"
    """Any source that TensorFlow can turn into a frozen graph."""
    KERAS = "keras"
    """A live Keras model."""
    SAVED_MODEL = "savedmodel"
    """Something that can be saved as a SavedModel, or is one."""
    FILE = "file"
    """A `.pb`, `.onnx` or `.tflite` file, loaded as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way from Keras into OpenCV."""

    name: str
    formats: tuple[str, ...]
    """Formats it can produce: `pb`, `onnx`, `tflite`; more than one only for files taken as they are."""
    stock: bool
    """A recipe people find on the web, kept for comparison; its failures are not OpenCV's alone."""
    needs: Needs
    summary: str
    export: Export
    quick: bool = True
    """Whether `check` takes it unasked; a route that runs a slow converter of its own is not."""
    opsets: tuple[int, ...] = ()
    """ONNX opsets it can write, its own choice first: which one suits an OpenCV is found by trying them in order."""

    def takes(self, kind: SourceKind) -> bool:
        """Whether this route can start from such a source."""
        if self.needs is Needs.KERAS:
            return kind.has_keras
        if self.needs is Needs.SAVED_MODEL:
            return kind.has_keras or kind is SourceKind.SAVED_MODEL
        if self.needs is Needs.FILE:
            return kind in {SourceKind.PB, SourceKind.ONNX, SourceKind.TFLITE}
        return kind.has_graph


@cache
def all_routes() -> dict[str, Route]:
    """Return every route by name: the good ones first, then the stock ones."""
    found = [importlib.import_module(f"{__name__}.{module.name}").ROUTE for module in pkgutil.iter_modules(__path__)]
    return {route.name: route for route in sorted(found, key=lambda route: (route.stock, route.name))}


def pick_routes(names: tuple[str, ...], kind: SourceKind) -> tuple[Route, ...]:
    """Return the named routes, or all that fit the source. Raises UsageError for one that does not exist or fit."""
    routes = all_routes()
    for name in names:
        if name not in routes:
            raise UsageError(f"there is no route {name!r}; choose from {', '.join(routes)}")
        if not routes[name].takes(kind):
            fitting = ", ".join(route.name for route in routes.values() if route.takes(kind))
            raise UsageError(f"route {name!r} cannot start from a {kind} source; use {fitting}")
    return tuple(routes[name] for name in names) or tuple(route for route in routes.values() if route.takes(kind))
