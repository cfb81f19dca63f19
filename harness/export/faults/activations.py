"""Faults of activations: a bound lost or added, another slope, another approximation, another axis, none at all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from harness.export.faults.graph import Graph, attribute, become, called, drop_attribute, set_attribute, shuffled

Random = np.random.RandomState
_SIX = 6.0
_INPUTS_SINCE = 11
"""Opset from which the bounds of a Clip are inputs."""
_ELEMENTWISE = (
    "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "Tanh", "Softplus", "Softsign",
    "Gelu", "HardSwish", "Mish", "Erf", "Clip", "Abs", "Sqrt", "Exp", "Log", "Neg",
)  # fmt: skip


def _bounds(graph: Graph, node: Any) -> tuple[float | None, float | None]:
    """Return a Clip's bounds, None for each that it lacks."""
    if graph.opset < _INPUTS_SINCE:
        return attribute(node, "min", None), attribute(node, "max", None)
    low, high = (graph.operand(node, place) for place in (1, 2))
    return (None if low is None else float(low), None if high is None else float(high))


def _relu6_as_relu(graph: Graph, random: Random) -> str | None:
    for node in shuffled(random, graph.nodes("Clip")):
        low, high = _bounds(graph, node)
        if low == 0 and high is not None:
            before = called(node)
            become(node, "Relu", [node.input[0]])
            return f"the bound {high:g} of {before} lost"
    return None


def _relu_as_relu6(graph: Graph, random: Random) -> str | None:
    for node in shuffled(random, graph.nodes("Relu")):
        before = called(node)
        if graph.opset < _INPUTS_SINCE:
            become(node, "Clip", [node.input[0]], min=0.0, max=_SIX)
        else:
            become(node, "Clip", [node.input[0]])
            graph.set_operand(node, 1, np.zeros((), np.float32))
            graph.set_operand(node, 2, np.full((), _SIX, np.float32))
        return f"{before} bounded by {_SIX:g}"
    return None


def _slope(graph: Graph, random: Random) -> str | None:
    """Take the slope below zero that another library takes by default."""
    for node in shuffled(random, graph.nodes("LeakyRelu", "Elu")):
        usual, other = (0.01, 0.2) if node.op_type == "LeakyRelu" else (1.0, 0.5)
        before = float(attribute(node, "alpha", usual))
        after = usual if not math.isclose(before, usual, rel_tol=1e-6) else other
        set_attribute(node, "alpha", after)
        return f"alpha of {called(node)}: {before:g} became {after:g}"
    return None


def _gelu_exchanged(graph: Graph, random: Random) -> str | None:
    """Approximate the error function by tanh; an operator that has a flag for that gets the other one."""
    for node in shuffled(random, graph.nodes("Gelu")):
        other = "none" if attribute(node, "approximate", b"none") == b"tanh" else "tanh"
        set_attribute(node, "approximate", other)
        return f"approximate of {called(node)} became {other}"
    for node in shuffled(random, graph.nodes("Erf")):
        return _approximate(graph, node)
    return None


def _approximate(graph: Graph, node: Any) -> str:
    """Replace erf(u) by tanh(2/sqrt(pi) (u + 0.0894 u^3)): with u = x/sqrt(2) that is the tanh form of GELU.

    Hendrycks and Gimpel, Gaussian Error Linear Units: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
    """
    import onnx

    before, u, name = called(node), node.input[0], node.output[0]
    nodes = [
        onnx.helper.make_node("Mul", [u, u], [f"{name}/u2"]),
        onnx.helper.make_node("Mul", [f"{name}/u2", ""], [f"{name}/cubic"]),
        onnx.helper.make_node("Add", [f"{name}/cubic", ""], [f"{name}/factor"]),
        onnx.helper.make_node("Mul", [f"{name}/factor", u], [f"{name}/argument"]),
    ]
    scale = 2 / math.sqrt(math.pi)
    graph.set_operand(nodes[1], 1, np.full((), 2 * 0.044715 * scale, np.float32))
    graph.set_operand(nodes[2], 1, np.full((), scale, np.float32))
    place = next(i for i, other in enumerate(graph.model.graph.node) if other.output[0] == name)
    for offset, added in enumerate(nodes):
        graph.model.graph.node.insert(place + offset, added)
    become(graph.model.graph.node[place + len(nodes)], "Tanh", [f"{name}/argument"])
    return f"{before} became its approximation by tanh"


def _softmax_axis(graph: Graph, random: Random) -> str | None:
    """Normalise along another axis."""
    shapes = graph.shapes()
    for node in shuffled(random, graph.nodes("Softmax", "LogSoftmax")):
        shape = shapes.get(node.input[0], ())
        usual = -1 if graph.opset >= 13 else 1
        axis = int(attribute(node, "axis", usual)) % max(1, len(shape))
        others = [other for other, size in enumerate(shape) if other != axis and size > 1]
        if others:
            drop_attribute(node, "axis")
            set_attribute(node, "axis", others[-1])
            return f"axis of {called(node)}: {axis} became {others[-1]}"
    return None


def _left_out(graph: Graph, random: Random) -> str | None:
    """Bypass an elementwise layer: its input is handed on."""
    for node in shuffled(random, graph.nodes(*_ELEMENTWISE)):
        before = called(node)
        become(node, "Identity", [node.input[0]])
        return f"{before} left out"
    return None


PLANTS = {
    "relu6-as-relu": _relu6_as_relu,
    "relu-as-relu6": _relu_as_relu6,
    "slope-exchanged": _slope,
    "gelu-exchanged": _gelu_exchanged,
    "softmax-axis": _softmax_axis,
    "activation-left-out": _left_out,
}
