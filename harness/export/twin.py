"""The float64 twin: the same frozen graph with every float32 (and float16) tensor, attribute and constant as double.

The graph is the unoptimised one, so the twin's structure is TensorFlow's own. Ops without a float64 kernel are
rewritten in exact arithmetic where that is easy, or bracketed by casts where their results are float32 anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.errors import HarnessError
from harness.export.network import Interface

_FLOAT, _DOUBLE, _HALF, _BFLOAT16 = 1, 2, 19, 14
_LOW = frozenset({_FLOAT, _HALF, _BFLOAT16})
SINGLE = 2.0**-24
"""Unit roundoff of float32."""
_COARSE = {_HALF: 2.0**-11, _BFLOAT16: 2.0**-8}
_FLOAT32_RESULTS = frozenset({"ResizeBilinear", "ResizeBicubic", "ResizeArea", "ScaleAndTranslate", "CropAndResize"})
"""Image ops whose result is float32 whatever goes in (boxes and scales are float32 too)."""
_BATCH_NORMS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})


class NoTwinError(HarnessError):
    """The graph has no float64 form; the message says which op stands in the way."""


class GraphTwin:
    """A session over the float64 graph."""

    def __init__(self, graph: Any, interface: Interface) -> None:
        import tensorflow as tf

        self._errors = (tf.errors.OpError, ValueError, TypeError)
        self._names = tuple(f"{name}:0" for name in interface.input_names)
        self._outputs = [f"{name}:0" for name in interface.output_names]
        try:
            with tf.Graph().as_default() as holder:
                tf.graph_util.import_graph_def(graph, name="")
            self._session = tf.compat.v1.Session(graph=holder, config=_unoptimised())
        except self._errors as error:
            raise NoTwinError(f"no float64 twin: {_reason(error)}") from error

    def run(self, arrays: list[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Return the outputs for inputs whose floats are float64. Raises NoTwinError for an op without a kernel."""
        try:
            return list(self._session.run(self._outputs, dict(zip(self._names, arrays, strict=True))))
        except self._errors as error:
            raise NoTwinError(f"no float64 twin: {_reason(error)}") from error

    def close(self) -> None:
        """Release the float64 weights."""
        self._session.close()


def build(frozen: Any, interface: Interface) -> GraphTwin:
    """Return the twin of a frozen GraphDef. Raises NoTwinError when it cannot be built."""
    return GraphTwin(to_double(frozen), interface)


def coarsest(graph: Any) -> float:
    """Return the unit roundoff of the coarsest float type that any node of a GraphDef computes in."""
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    found = {value.type for node in nodes for value in node.attr.values() if value.WhichOneof("value") == "type"}
    return max((_COARSE[kind] for kind in found & set(_COARSE)), default=SINGLE)


def to_double(graph: Any) -> Any:
    """Return a GraphDef, function library included, that computes in float64."""
    new = type(graph)(versions=graph.versions)
    new.node.extend(_rewritten(graph.node))
    for function in graph.library.function:
        copy = new.library.function.add()
        copy.CopyFrom(function)
        for argument in (*copy.signature.input_arg, *copy.signature.output_arg):
            argument.type = _DOUBLE if argument.type in _LOW else argument.type
            argument.ClearField("experimental_full_type")
        del copy.node_def[:]
        copy.node_def.extend(_rewritten(function.node_def, in_function=True))
    new.library.gradient.extend(graph.library.gradient)
    return new


def _rewritten(nodes: Iterable[Any], *, in_function: bool = False) -> Iterator[Any]:
    for node in nodes:
        new = type(node)()
        new.CopyFrom(node)
        new.ClearField("experimental_type")  # it names float32 in another vocabulary
        if node.op in _BATCH_NORMS and not node.attr["is_training"].b and not in_function:
            yield from _batch_norm(new)
        elif node.op in _FLOAT32_RESULTS:
            yield from _with_casts(new, in_function=in_function)
        else:
            _widen(new)
            yield new


def _widen(node: Any) -> None:
    for name, value in node.attr.items():
        if name.startswith("_"):
            continue
        kind = value.WhichOneof("value")
        if kind == "type" and value.type in _LOW:
            value.type = _DOUBLE
        elif kind == "list" and value.list.type:
            value.list.type[:] = [_DOUBLE if item in _LOW else item for item in value.list.type]
        elif kind == "tensor" and value.tensor.dtype in _LOW:
            _widen_tensor(value.tensor)


def _widen_tensor(tensor: Any) -> None:
    from tensorflow.python.framework.tensor_util import MakeNdarray

    values = MakeNdarray(tensor).astype(np.float64)
    shape = type(tensor.tensor_shape)()
    shape.CopyFrom(tensor.tensor_shape)
    tensor.Clear()
    tensor.dtype = _DOUBLE
    tensor.tensor_shape.CopyFrom(shape)
    tensor.tensor_content = values.tobytes()


def _batch_norm(node: Any) -> Iterator[Any]:
    """Spell out inference-mode batch normalisation, whose fused kernels exist for float32 only.

    (x - mean) * (scale / sqrt(variance + epsilon)) + offset, over the last axis or, for NCHW, axis 1.
    """
    x, scale, offset, mean, variance = (name for name in node.input if not name.startswith("^"))
    base = node.name
    if node.attr["data_format"].s == b"NCHW":
        reshaped = []
        yield _constant(type(node), f"{base}/shape", np.array([1, -1, 1, 1], np.int32))
        for name, tensor in (("s", scale), ("o", offset), ("m", mean), ("v", variance)):
            yield _node(type(node), f"{base}/{name}4", "Reshape", tensor, f"{base}/shape", Tshape=3)
            reshaped.append(f"{base}/{name}4")
        scale, offset, mean, variance = reshaped
    yield _constant(type(node), f"{base}/epsilon", np.array(node.attr["epsilon"].f, np.float64))
    yield _node(type(node), f"{base}/shifted", "AddV2", variance, f"{base}/epsilon")
    yield _node(type(node), f"{base}/rsqrt", "Rsqrt", f"{base}/shifted")
    yield _node(type(node), f"{base}/factor", "Mul", f"{base}/rsqrt", scale)
    yield _node(type(node), f"{base}/centred", "Sub", x, mean)
    yield _node(type(node), f"{base}/scaled", "Mul", f"{base}/centred", f"{base}/factor")
    yield _node(type(node), base, "AddV2", f"{base}/scaled", offset)


def _with_casts(node: Any, *, in_function: bool) -> Iterator[Any]:
    """Bracket an op with float32 results by casts; the last one, to double, gets the op's own name.

    Its first input stays double, other float inputs are cast down.
    """
    if in_function:
        raise NoTwinError(f"no float64 twin: {node.op} inside a control-flow function returns float32 only")
    name = node.name
    cast_down = {"CropAndResize": (1,), "ScaleAndTranslate": (2, 3)}.get(node.op, ())
    for index in cast_down:
        yield _cast(type(node), f"{name}/float32_{index}", node.input[index], _DOUBLE, _FLOAT)
        node.input[index] = f"{name}/float32_{index}"
    node.name = f"{name}/float32"
    if node.attr["T"].type in _LOW:
        node.attr["T"].type = _DOUBLE
    yield node
    yield _cast(type(node), name, node.name, _FLOAT, _DOUBLE)


def _node(kind: Any, name: str, op: str, *inputs: str, Tshape: int | None = None) -> Any:  # noqa: N803 - TensorFlow's attribute name
    node = kind(name=name, op=op, input=inputs)
    node.attr["T"].type = _DOUBLE
    if Tshape is not None:
        node.attr["Tshape"].type = Tshape
    return node


def _cast(kind: Any, name: str, tensor: str, source: int, target: int) -> Any:
    node = kind(name=name, op="Cast", input=[tensor])
    node.attr["SrcT"].type = source
    node.attr["DstT"].type = target
    return node


def _constant(kind: Any, name: str, value: npt.NDArray[Any]) -> Any:
    from tensorflow.python.framework.tensor_util import make_tensor_proto

    node = kind(name=name, op="Const")
    tensor = make_tensor_proto(value)
    node.attr["dtype"].type = tensor.dtype
    node.attr["value"].tensor.CopyFrom(tensor)
    return node


def _unoptimised() -> Any:
    """Run the graph as it is: grappler would copy the weights once more and gains nothing for a few forwards."""
    from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2

    config = config_pb2.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = config_pb2.OptimizerOptions.L0
    config.graph_options.rewrite_options.remapping = rewriter_config_pb2.RewriterConfig.OFF
    return config


def _reason(error: Exception, limit: int = 300) -> str:
    text = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text.strip()[:limit]
