"""What the rewrites share: reading tensor references and building changed copies of a GraphDef."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def node_of(tensor: str) -> str:
    """Return the node name of a tensor reference: `node`, `node:1` or `^node`."""
    return tensor.removeprefix("^").partition(":")[0]


def canonical(tensor: str) -> str:
    """Return a data reference in its short form: `node` for `node:0`."""
    return tensor.removesuffix(":0")


def rebuild(graph: Any, nodes: Iterable[Any]) -> Any:
    """Return a GraphDef with these nodes and the versions and function library of the original."""
    new = type(graph)(versions=graph.versions, library=graph.library)
    new.node.extend(nodes)
    return new


def copy_of(node: Any) -> Any:
    """Return a copy of a NodeDef, so that the original graph stays as it was."""
    new = type(node)()
    new.CopyFrom(node)
    return new
