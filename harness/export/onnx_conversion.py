"""tf2onnx, spared of what costs it most: copies of the weights.

tf2onnx 1.17 hands each of its twelve optimisers a deep copy of the graph to fall back on, and after each has every
node write its attributes into its protobuf again, whose arena never gives the old ones back. For a ResNet50 that is
7 GB and most of the time; without both it is 2 GB, and the result is the same.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from harness.errors import ExportFailedError

_CATCH_ERRORS = "TF2ONNX_CATCH_ERRORS"


def convert(graph: Any, inputs: Sequence[str], outputs: Sequence[str], *, opset: int) -> Any:
    """Return the ModelProto of a folded GraphDef, its graph inputs and outputs named as the nodes given.

    Freezing and folding are not done again, as `tf2onnx.convert` would. Raises ExportFailedError.
    """
    return spared("tf2onnx", lambda: _convert(graph, inputs, outputs, opset))


def _convert(graph: Any, inputs: Sequence[str], outputs: Sequence[str], opset: int) -> Any:
    import tensorflow as tf
    from tf2onnx import optimizer, tfonnx, utils

    utils.INTERNAL_NAME = 1  # names of inserted nodes are numbered by process history otherwise
    with tf.Graph().as_default() as holder, _no_functions(graph):
        tf.graph_util.import_graph_def(graph, name="")
        converted = tfonnx.process_tf_graph(
            holder,
            continue_on_error=True,
            opset=opset,
            input_names=[f"{name}:0" for name in inputs],
            output_names=[f"{name}:0" for name in outputs],
            tensors_to_rename={f"{name}:0": name for name in (*inputs, *outputs)},
        )
        best = optimizer.optimize_graph(converted, catch_errors=os.environ[_CATCH_ERRORS] == "TRUE")
    return best.make_model("model")


@contextlib.contextmanager
def _no_functions(graph: Any) -> Iterator[None]:
    """Where the graph calls no functions, keep tf2onnx from looking for them: it reads every weight to find none."""
    from tf2onnx import tfonnx

    original = tfonnx.resolve_functions
    if not graph.library.function:
        tfonnx.resolve_functions = lambda _graph: []
    try:
        yield
    finally:
        tfonnx.resolve_functions = original


def spared(tool: str, work: Callable[[], Any]) -> Any:
    """Run tf2onnx without its copies; only if an optimiser then fails, again with the copies it falls back on.

    Raises ExportFailedError with the tool's last words.
    """
    kept = os.environ.get(_CATCH_ERRORS)
    try:
        # tf2onnx.convert reads any value as "do not catch"; our own call above reads the value.
        os.environ[_CATCH_ERRORS] = "FALSE"
        with _no_rewriting():
            return work()
    except Exception:  # whatever an optimiser raises: the second attempt tells whether it matters
        return _forgiving(tool, work)
    finally:
        os.environ.pop(_CATCH_ERRORS, None)
        if kept is not None:
            os.environ[_CATCH_ERRORS] = kept


def _forgiving(tool: str, work: Callable[[], Any]) -> Any:
    os.environ[_CATCH_ERRORS] = "TRUE"
    try:
        return work()
    except Exception as error:  # converters raise anything; the user gets its words
        raise ExportFailedError(f"{tool}: {type(error).__name__}: {last_words(str(error))}") from error


@contextlib.contextmanager
def _no_rewriting() -> Iterator[None]:
    """Leave protobufs alone between optimisers: they work on nodes, and `make_model` writes protobufs at the end."""
    from tf2onnx.optimizer.optimizer_base import GraphOptimizerBase

    def optimize(self: Any, graph: Any, iteration: int) -> Any:
        self.opt_iteration = iteration
        graph = self._optimize(graph)
        graph.delete_unused_nodes(graph.outputs)
        return graph

    original = GraphOptimizerBase.optimize
    GraphOptimizerBase.optimize = optimize
    try:
        yield
    finally:
        GraphOptimizerBase.optimize = original


def last_words(text: str, lines: int = 3, limit: int = 600) -> str:
    """Return the end of what a tool said, on one line."""
    found = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return " | ".join(found[-lines:])[-limit:] or "(it said nothing)"
