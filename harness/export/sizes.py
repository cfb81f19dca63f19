"""What protobuf cannot hold is refused before it is copied or serialised: its own errors name no cause and no cure."""

from __future__ import annotations

from typing import Any

from harness.errors import ExportFailedError

LARGEST_NBYTES = 2**31 - 2**20
"""Bytes of constants that leave room for the rest of a protobuf message, which ends at 2 GiB."""


def is_too_large(nbytes: int) -> bool:
    """Whether these are more bytes of weights than a model file can hold."""
    return nbytes > LARGEST_NBYTES


def refuse_too_large(nbytes: int) -> None:
    """Raise ExportFailedError for more bytes of weights than a model file can hold."""
    if is_too_large(nbytes):
        raise ExportFailedError(
            f"the model with its weights is {nbytes / 1e9:.1f} GB; protobuf files end at 2 GiB, "
            "and .pb, .onnx and .tflite with them; split the model and export its parts"
        )


def function_nbytes(function: Any) -> int:
    """Return the bytes of a concrete function's variables and constants, from their shapes alone."""
    variables = {variable.ref(): variable for variable in function.graph.variables}
    constants = [op.outputs[0] for op in function.graph.get_operations() if op.type == "Const"]
    return sum(_nbytes(tensor.shape, tensor.dtype) for tensor in (*variables.values(), *constants))


def graph_nbytes(graph: Any) -> int:
    """Return the bytes of a GraphDef's constants, those of its functions included, from their shapes alone."""
    from tensorflow import TensorShape, as_dtype

    nodes = (graph.node, *(function.node_def for function in graph.library.function))
    tensors = [node.attr["value"].tensor for found in nodes for node in found if node.op == "Const"]
    return sum(_nbytes(TensorShape(tensor.tensor_shape), as_dtype(tensor.dtype)) for tensor in tensors)


def onnx_nbytes(model: Any) -> int:
    """Return the bytes of an ONNX model's initializers, from their shapes alone."""
    import math

    from onnx.helper import tensor_dtype_to_np_dtype

    return sum(
        math.prod(item.dims) * tensor_dtype_to_np_dtype(item.data_type).itemsize for item in model.graph.initializer
    )


def _nbytes(shape: Any, dtype: Any) -> int:
    # Strings and resources have no size of their own: what they hold is not among the weights.
    return (shape.num_elements() or 0) * (0 if dtype.name in {"string", "resource", "variant"} else dtype.size)
