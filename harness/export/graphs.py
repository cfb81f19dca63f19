"""Graph work that needs TensorFlow's own machinery: freezing, folding, saving, importing.

Every function takes and returns GraphDef protos or concrete functions; names of inputs and outputs are node
names, without `:0`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import ExportFailedError
from harness.export.sizes import function_nbytes, graph_nbytes, refuse_too_large
from harness.manifests import TensorSpec

OPTIMIZERS = ("pruning", "constfold", "dependency", "constfold")
"""Grappler's passes that OpenCV needs: Keras 3 writes a conv bias as Const -> Reshape, which its importer cannot
read. The remapper stays out: it makes `_FusedConv2D`, which no importer knows."""
_INLINING = ("function", "pruning")
"""What goes before where functions are called (grouped convolutions, SavedModels): folding sees no shapes in them."""
_KEPT_OUT_OF_LINE = ("_XlaMustCompile", "_noinline")
"""Marks of functions that TensorFlow compiles apart: their bodies are ordinary ops, but grappler leaves them alone."""
_MARKS_OF_TRACING = ("_user_specified_name", "_has_manual_control_dependencies", "_output_shapes")
"""Attributes that mean nothing outside the function that was traced, or, like the shapes, less than what holds now."""
_NOT_FROZEN = (ValueError, TypeError, RuntimeError, KeyError)
_BRANCHES = {"If": "StatefulPartitionedCall", "StatelessIf": "PartitionedCall"}
"""Conditional ops, and the call that stands for one once its condition is known."""


def signature(names: Sequence[str], specs: Sequence[TensorSpec]) -> list[Any]:
    """Return `tf.TensorSpec`s that carry the graph names."""
    import tensorflow as tf

    return [tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in zip(names, specs, strict=True)]


def freeze(function: Any, outputs: Sequence[str], *, lower_control_flow: bool = False) -> Any:
    """Return the GraphDef of a concrete function with variables as constants, cut at the named outputs."""
    import tensorflow as tf

    frozen = _frozen(function, lower_control_flow)
    if not frozen.library.function:  # the cut forgets the library, which control flow needs
        inputs = [node.name for node in frozen.node if node.op == "Placeholder"]
        cut = tf.compat.v1.graph_util.extract_sub_graph(frozen, [*outputs, *inputs])
        cut.versions.CopyFrom(frozen.versions)
        return cut
    return frozen


def _frozen(function: Any, lower_control_flow: bool) -> Any:
    """Return what `freeze_function` holds without making a function of it, which takes as long as tf2onnx does."""
    from tensorflow.python.framework import convert_to_constants as freezing

    refuse_too_large(function_nbytes(function))
    try:
        data = freezing._FunctionConverterDataInEager(
            func=function, lower_control_flow=lower_control_flow, aggressive_inlining=False
        )
        frozen, converted = freezing._replace_variables_by_constants(converter_data=data)
        if frozen.library.function:  # which of them are called, and how, only a function can tell
            return freezing._construct_concrete_function(function, frozen, converted).graph.as_graph_def()
        for node in frozen.node:
            for mark in _MARKS_OF_TRACING:
                node.attr.pop(mark, None)
        return frozen
    except _NOT_FROZEN as error:
        raise ExportFailedError(f"the graph cannot be frozen: {_short(error)}") from error


def freeze_function(function: Any, *, lower_control_flow: bool = False) -> Any:
    """Return the concrete function with variables as constants. Raises ExportFailedError where it cannot be."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    refuse_too_large(function_nbytes(function))
    try:
        return convert_variables_to_constants_v2(function, lower_control_flow=lower_control_flow)
    except _NOT_FROZEN as error:
        raise ExportFailedError(f"the graph cannot be frozen: {_short(error)}") from error


def fold(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """Inline functions, fold constants and prune with grappler; inputs and outputs survive.

    Raises ExportFailedError for a graph that folding made too large for a file, and for TensorFlow 1's loops.
    """
    _refuse_loops(graph)
    folded = _folded(graph, inputs, outputs)
    while _decide(folded):  # a branch that is known may decide the next
        folded = _folded(folded, inputs, outputs)
    refuse_too_large(graph_nbytes(folded))
    return folded


def _refuse_loops(graph: Any) -> None:
    """Raise ExportFailedError for a loop made of nodes that lead back: such a graph has no order to be written in."""
    back = next((node.name for node in graph.node if node.op == "NextIteration"), None)
    if back is not None:
        raise ExportFailedError(
            f"the graph has a loop of TensorFlow 1 (node {back!r}), which no importer of OpenCV reads; write its steps "
            "out before freezing, or cut the model around it"
        )


def _folded(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    if graph.library.function:
        graph = _optimised(_inlinable(graph), inputs, outputs, optimizers=_INLINING)
    return _optimised(graph, inputs, outputs)


def _decide(graph: Any) -> bool:
    """Make calls of the branches that constant conditions take, in place; returns whether there were any."""
    from tensorflow.python.framework.tensor_util import MakeNdarray

    constants = {node.name: node for node in graph.node if node.op == "Const"}
    decided = [node for node in graph.node if node.op in _BRANCHES and node.input[0].removesuffix(":0") in constants]
    for node in decided:
        condition = MakeNdarray(constants[node.input[0].removesuffix(":0")].attr["value"].tensor)
        taken = node.attr["then_branch" if condition.any() else "else_branch"]
        call = type(node)(name=node.name, op=_BRANCHES[node.op], input=node.input[1:])
        call.attr["f"].CopyFrom(taken)
        for types in ("Tin", "Tout"):
            call.attr[types].CopyFrom(node.attr[types])
        node.CopyFrom(call)
    return bool(decided)


def inlined(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """Return the graph with the bodies of functions that TensorFlow would compile apart; nothing else is changed."""
    if not any(_KEPT_OUT_OF_LINE[0] in function.attr for function in graph.library.function):
        return graph
    return _optimised(_inlinable(graph), inputs, outputs, optimizers=_INLINING)


def spliced(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """Return the graph with the bodies of all functions it calls in their places; loops and branches stay."""
    if not graph.library.function:
        return graph
    return _optimised(_inlinable(graph), inputs, outputs, optimizers=_INLINING)


def _optimised(
    graph: Any, inputs: Sequence[str], outputs: Sequence[str], optimizers: Sequence[str] = OPTIMIZERS
) -> Any:
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, rewriter_config_pb2
    from tensorflow.python.grappler import tf_optimizer

    config = config_pb2.ConfigProto()
    config.graph_options.infer_shapes = True
    config.graph_options.rewrite_options.optimizers[:] = optimizers
    config.graph_options.rewrite_options.min_graph_nodes = -1  # grappler skips graphs of fewer than 4 nodes
    # Aggressive: trust the placeholders' static shapes, so that Shape -> StridedSlice -> Pack chains fold away.
    config.graph_options.rewrite_options.constant_folding = rewriter_config_pb2.RewriterConfig.AGGRESSIVE
    meta = tf.compat.v1.train.export_meta_graph(graph_def=graph, graph=tf.Graph())
    fetched = meta_graph_pb2.CollectionDef()
    fetched.node_list.value.extend([*inputs, *outputs])
    meta.collection_def["train_op"].CopyFrom(fetched)
    return tf_optimizer.OptimizeGraph(config, meta)


def _inlinable(graph: Any) -> Any:
    """Return the graph without the marks that keep functions out of line."""
    if not graph.library.function:
        return graph
    new = type(graph)()
    new.CopyFrom(graph)
    calls = (*new.node, *(node for function in new.library.function for node in function.node_def))
    for marked in (*calls, *new.library.function):
        for mark in _KEPT_OUT_OF_LINE:
            marked.attr.pop(mark, None)
    return new


def wrap(
    graph: Any, names: Sequence[str], specs: Sequence[TensorSpec], tensors: Sequence[str], placeholders: Sequence[str]
) -> Any:
    """Make a concrete function of a GraphDef: clean input names and static shapes in place of its placeholders.

    `placeholders` are the nodes that `names`/`specs` replace, `tensors` the tensors (`node:0`) that are returned,
    as nodes `output_0`, `output_1`, ...
    """
    import tensorflow as tf

    renamed = {name: f"{name}_inner" for name in (*names, *(f"output_{index}" for index in range(len(tensors))))}
    inner = _without_nodes(graph, frozenset(placeholders), renamed)

    def body(*arguments: Any) -> list[Any]:
        feeds = {f"{node}:0": argument for node, argument in zip(placeholders, arguments, strict=True)}
        wanted = [_renamed(name, renamed) for name in tensors if name not in feeds]
        found = iter(tf.graph_util.import_graph_def(inner, input_map=feeds, return_elements=wanted, name=""))
        results = [feeds[name] if name in feeds else next(found) for name in tensors]
        return [tf.identity(tensor, name=f"output_{index}") for index, tensor in enumerate(results)]

    return tf.compat.v1.wrap_function(body, signature(names, specs))


def _without_nodes(graph: Any, dropped: frozenset[str], renamed: dict[str, str]) -> Any:
    """Copy a GraphDef without some nodes, and with names that would clash with the wrapper's own changed."""
    from tensorflow.core.framework import graph_pb2

    kept = graph_pb2.GraphDef(versions=graph.versions, library=graph.library)
    for node in graph.node:
        if node.name in dropped:
            continue
        copy = kept.node.add()
        copy.CopyFrom(node)
        copy.name = renamed.get(node.name, node.name)
        copy.input[:] = [name if name.partition(":")[0] in dropped else _renamed(name, renamed) for name in node.input]
    return kept


def _renamed(tensor: str, renamed: dict[str, str]) -> str:
    """Rename the node of a tensor reference: `node`, `node:1` or `^node`."""
    control = "^" if tensor.startswith("^") else ""
    node, colon, index = tensor.removeprefix("^").partition(":")
    return f"{control}{renamed.get(node, node)}{colon}{index}"


def digest(graph: Any) -> str:
    """Return the digest of a GraphDef's ops, attributes, constants and edges; names are left out.

    Keras and TensorFlow number names by what the process did before, so the same model has other names next time.
    """
    state = hashlib.sha256()
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        places = {node.name: str(place) for place, node in enumerate(nodes)}
        for node in nodes:
            attributes = [node.attr[key].SerializeToString(deterministic=True) for key in sorted(_telling(node))]
            edges = [_placed(name, places) for name in node.input]
            for part in (node.op.encode(), *attributes, *(edge.encode() for edge in edges)):
                state.update(f"{len(part)}:".encode() + part)
    return state.hexdigest()[:32]


def _telling(node: Any) -> list[str]:
    """Return the attributes that change what a node computes: not the private ones, not names of functions."""
    return [key for key in node.attr if not key.startswith("_") and node.attr[key].WhichOneof("value") != "func"]


def _placed(tensor: str, places: dict[str, str]) -> str:
    node, colon, port = tensor.removeprefix("^").partition(":")
    return f"{places.get(node, node)}{colon}{port}"


def save(model: Any | None, function: Any, folder: Path) -> None:
    """Write a SavedModel as users do; a network without a savable Keras model is saved through its function."""
    import tensorflow as tf

    if model is not None:
        tf.saved_model.save(model, str(folder))
        return
    own = function.inputs[: len(function.inputs) - len(function.captured_inputs)]
    wanted = [tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.op.name) for tensor in own]
    module = tf.Module()
    module.serve = tf.function(
        lambda *arguments: {f"output_{place}": tensor for place, tensor in enumerate(function(*arguments))},
        input_signature=wanted,
    )
    tf.saved_model.save(module, str(folder), signatures=module.serve)


def _short(error: Exception, limit: int = 600) -> str:
    text = str(error).strip()
    return text if len(text) <= limit else f"{text[:limit]} ..."
