"""An ONNX graph as the faults see it: constants by name, nodes by op, and edits that keep everything else as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

_T = TypeVar("_T")
Values = npt.NDArray[Any]


class Graph:
    """A view of a ModelProto that edits it in place."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._initial = {item.name: item for item in model.graph.initializer}

    @property
    def opset(self) -> int:
        """Version of ONNX's own operator set."""
        return next(int(item.version) for item in self.model.opset_import if item.domain in {"", "ai.onnx"})

    def nodes(self, *ops: str) -> list[Any]:
        """Return the nodes of these ops, in graph order."""
        return [node for node in self.model.graph.node if node.op_type in ops]

    def readers(self, tensor: str) -> list[Any]:
        """Return the nodes that read a tensor."""
        return [node for node in self.model.graph.node if tensor in node.input]

    def value(self, name: str) -> Values | None:
        """Return an initialiser's values, or None for a computed tensor and for an input that is left out."""
        import onnx

        item = self._initial.get(name)
        return None if item is None else np.array(onnx.numpy_helper.to_array(item))

    def operand(self, node: Any, place: int) -> Values | None:
        """Return the constant that a node reads at a place, or None."""
        return self.value(node.input[place]) if place < len(node.input) else None

    def set_value(self, name: str, values: Values) -> None:
        """Give an initialiser other values of the same shape and dtype."""
        import onnx

        self._initial[name].CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))

    def set_operand(self, node: Any, place: int, values: Values) -> None:
        """Give one node another constant at a place; other readers of the old one keep theirs."""
        import onnx

        name = f"{node.output[0]}/planted_{place}"
        item = self.model.graph.initializer.add()
        item.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        self._initial[name] = item
        while len(node.input) <= place:
            node.input.append("")
        node.input[place] = name

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes that are known of tensors, all sizes positive."""
        import onnx

        inferred = onnx.shape_inference.infer_shapes(self.model).graph
        found = {item.name: tuple(item.dims) for item in inferred.initializer}
        for value in (*inferred.value_info, *inferred.input, *inferred.output):
            sizes = tuple(int(axis.dim_value) for axis in value.type.tensor_type.shape.dim)
            if all(sizes):
                found[value.name] = sizes
        return found


def attribute(node: Any, name: str, default: _T) -> _T:
    """Return an attribute's value, or what ONNX takes where it is left out."""
    import onnx

    found = next((item for item in node.attribute if item.name == name), None)
    if found is None:
        return default
    value: _T = onnx.helper.get_attribute_value(found)
    return value


def set_attribute(node: Any, name: str, value: Any) -> None:
    """Give a node an attribute, in place of its own where it has one."""
    import onnx

    drop_attribute(node, name)
    node.attribute.append(onnx.helper.make_attribute(name, value))


def drop_attribute(node: Any, name: str) -> None:
    """Take an attribute from a node."""
    kept = [type(item).FromString(item.SerializeToString()) for item in node.attribute if item.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)


def become(node: Any, op: str, inputs: Sequence[str], **attributes: Any) -> None:
    """Turn a node into one of another op, with the same name and output."""
    import onnx

    node.CopyFrom(onnx.helper.make_node(op, list(inputs), list(node.output), name=node.name, **attributes))


def pick(random: np.random.RandomState, found: Sequence[_T]) -> _T | None:
    """Return one of what was found, the same one for the same seed; None of nothing."""
    return found[random.randint(len(found))] if found else None


def shuffled(random: np.random.RandomState, found: Sequence[_T]) -> Iterator[_T]:
    """Yield what was found in an order that the seed decides."""
    yield from (found[place] for place in random.permutation(len(found)))


def called(node: Any) -> str:
    """Name a node in words."""
    return f"{node.op_type} {node.name or node.output[0]!r}"
