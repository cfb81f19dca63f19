"""GraphDefs to rewrite, and TensorFlow to compute what they compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from harness.export import graphs
from harness.export.passes.control_inputs import drop_control_inputs
from harness.export.passes.unused_nodes import drop_unused_nodes
from harness.export.retracing import Rule, retrace
from harness.manifests import TensorSpec

X = TensorSpec(name="x", shape=(1, 3, 4, 5))
VALUES = np.random.RandomState(0).randn(1, 3, 4, 5).astype(np.float32)
TOLERANCES = {"float64": 1e-12, "float32": 5e-7, "float16": 2e-3}
"""How far two ways to compute the same may be apart, relative to the largest number: a few ulp of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCase:
    """A graph with a node that a rule is for."""

    name: str
    op: str
    body: Callable[..., Any]
    """Makes the outputs of inputs of any float type."""
    specs: tuple[TensorSpec, ...]
    values: tuple[Any, ...] = ()
    """What is fed; random numbers if nothing is given."""
    lacks: tuple[str, ...] | None = None
    """Ops that must be gone; the rule's own if nothing is given."""
    has: tuple[tuple[str, int], ...] = ()
    """Ops that must be there afterwards, and how many of each."""
    double: bool = True
    """Whether TensorFlow and the rule compute it in float64."""
    compiled: bool = False
    """Whether TensorFlow has no kernel for this processor, so that XLA must make one."""

    def feeds(self) -> dict[str, Any]:
        """The inputs by name, as float64 where the case is computed in it."""
        values = self.values or [random_values(spec, seed) for seed, spec in enumerate(self.specs)]
        return {
            spec.name: np.asarray(value, spec.dtype)
            for spec, value in zip(self.inputs(), values, strict=True)
        }  # fmt: skip

    def inputs(self) -> tuple[TensorSpec, ...]:
        """The specs, as float64 where the case is computed in it."""
        wider = {"float32": "float64"} if self.double else {}
        return tuple(replace(spec, dtype=wider.get(spec.dtype, spec.dtype)) for spec in self.specs)

    def graph(self) -> Any:
        """The folded graph without control inputs, as the routes give it to `retrace`."""
        return drop_control_inputs(folded(self.body, spec=self.inputs()))

    def plain(self) -> Any:
        """The graph as the body writes it, of any number of outputs: nothing is folded or merged."""
        with tf.Graph().as_default() as graph:
            inputs = [tf.compat.v1.placeholder(spec.dtype, spec.shape, spec.name) for spec in self.inputs()]
            made = self.body(*inputs)
            for index, result in enumerate(made if isinstance(made, (list, tuple)) else [made]):
                tf.identity(result, name=f"output_{index}")
        return graph.as_graph_def()


def table(op: str, *shapes: tuple[int, ...], **options: Any) -> Callable[..., list[RuleCase]]:
    """A maker of cases for one op and inputs `x`, `y`, ... of these shapes, given their bodies by name."""
    specs = tuple(TensorSpec(name=name, shape=shape) for name, shape in zip("xyz", shapes, strict=False))

    def cases(**bodies: Any) -> list[RuleCase]:
        return [RuleCase(name=name, op=op, body=body, specs=specs, **options) for name, body in bodies.items()]

    return cases


def random_values(spec: TensorSpec, seed: int = 0) -> Any:
    return np.random.RandomState(seed).randn(*spec.shape)


def frozen(body: Any, *, spec: TensorSpec | Sequence[TensorSpec] = X, outputs: int = 1) -> Any:
    """The frozen, unoptimised GraphDef of `body(x, ...)`, with outputs `output_0`, ..."""

    def named(*arguments: Any) -> list[Any]:
        results = body(*arguments)
        results = results if isinstance(results, (list, tuple)) else [results]
        return [tf.identity(result, name=f"output_{index}") for index, result in enumerate(results)]

    specs = [spec] if isinstance(spec, TensorSpec) else list(spec)
    signature = graphs.signature([one.name for one in specs], specs)
    function = tf.function(named, autograph=False).get_concrete_function(*signature)
    return graphs.freeze(function, [f"output_{index}" for index in range(outputs)])


def folded(body: Any, **options: Any) -> Any:
    graph = frozen(body, **options)
    inputs = [node.name for node in graph.node if node.op == "Placeholder"]
    return graphs.fold(graph, inputs, [node.name for node in graph.node if node.name.startswith("output_")])


def retraced(graph: Any, rules: dict[str, Rule] | Any) -> Any:
    """The graph after the rules, without what nothing reads any more."""
    placeholders = [node.name for node in graph.node if node.op == "Placeholder"]
    outputs = [node.name for node in graph.node if node.name.startswith("output_")]
    return drop_unused_nodes(retrace(graph, rules), placeholders, outputs)


def run(graph: Any, *outputs: str, **feeds: Any) -> list[np.ndarray[Any, Any]]:
    with tf.Graph().as_default() as holder:
        tf.graph_util.import_graph_def(graph, name="")
    values = {f"{name}:0": value for name, value in (feeds or {"x": VALUES}).items()}
    with tf.compat.v1.Session(graph=holder) as session:
        return list(session.run([f"{name}:0" for name in outputs], values))


def run_compiled(graph: Any, *outputs: str, **feeds: Any) -> list[np.ndarray[Any, Any]]:
    """The same by XLA, which makes kernels that TensorFlow has for graphics cards alone."""

    specs = [TensorSpec(name=name, shape=value.shape, dtype=value.dtype.name) for name, value in feeds.items()]
    function = graphs.wrap(graph, list(feeds), specs, [f"{name}:0" for name in outputs], list(feeds))
    compiled = tf.function(function, jit_compile=True, autograph=False)
    return [np.asarray(tensor) for tensor in compiled(*map(tf.constant, feeds.values()))]


def assert_same(before: Sequence[Any], after: Sequence[Any]) -> None:
    """Check types, shapes and numbers: whole ones exactly, others to a few ulp of the largest."""
    for old, new in zip(before, after, strict=True):
        assert (new.dtype, new.shape) == (old.dtype, old.shape)
        if old.dtype.kind != "f":
            np.testing.assert_array_equal(new, old)
            continue
        finite = np.abs(old[np.isfinite(old)])
        scale = float(finite.max()) if finite.size else 0.0
        np.testing.assert_allclose(new, old, rtol=0, atol=TOLERANCES[old.dtype.name] * scale)


def ops(graph: Any) -> list[str]:
    return [node.op for node in graph.node]


def node(graph: Any, name: str) -> Any:
    return next(node for node in graph.node if node.name == name)
