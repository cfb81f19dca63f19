"""GraphDefs to rewrite, and TensorFlow to compute what they compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from harness.export import graphs
from harness.records import TensorSpec

X = TensorSpec(name="x", shape=(1, 3, 4, 5))
VALUES = np.random.RandomState(0).randn(1, 3, 4, 5).astype(np.float32)


def frozen(body: Any, *, spec: TensorSpec = X, outputs: int = 1) -> Any:
    """The frozen, unoptimised GraphDef of `body(x)`, with outputs `output_0`, ..."""

    def named(x: Any) -> list[Any]:
        results = body(x)
        results = results if isinstance(results, (list, tuple)) else [results]
        return [tf.identity(result, name=f"output_{index}") for index, result in enumerate(results)]

    function = tf.function(named, autograph=False).get_concrete_function(*graphs.signature(["x"], [spec]))
    return graphs.freeze(function, [f"output_{index}" for index in range(outputs)])


def folded(body: Any, **options: Any) -> Any:
    graph = frozen(body, **options)
    return graphs.fold(graph, ["x"], [node.name for node in graph.node if node.name.startswith("output_")])


def run(graph: Any, *outputs: str, x: Any = VALUES) -> list[np.ndarray[Any, Any]]:
    with tf.Graph().as_default() as holder:
        tf.graph_util.import_graph_def(graph, name="")
    with tf.compat.v1.Session(graph=holder) as session:
        return list(session.run([f"{name}:0" for name in outputs], {"x:0": x}))


def ops(graph: Any) -> list[str]:
    return [node.op for node in graph.node]


def node(graph: Any, name: str) -> Any:
    return next(node for node in graph.node if node.name == name)
