"""Running `.onnx` and `.tflite` files by their own reference implementations, for files taken as they are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.errors import NoReferenceError
from harness.export.network import Network
from harness.export.twin import NoTwinError

Arrays = list[npt.NDArray[Any]]


def float32(network: Network) -> Callable[[Arrays], Arrays]:
    """Return the function that computes the file's outputs."""
    return _onnx(network) if network.kind == "onnx" else _tflite(network)


def float64(network: Network) -> tuple[Any, str]:
    """Return the float64 twin of an ONNX file, or None for TFLite, and where the noise comes from, in words."""
    if network.kind != "onnx":
        return None, "TFLite interpreter under 4 input perturbations of 1 ulp (it has no float64 kernels)"
    return OnnxTwin(network), "float64 twin by onnx's reference evaluator"


class OnnxTwin:
    """The ONNX model with double initialisers, run by onnx's reference evaluator."""

    def __init__(self, network: Network) -> None:
        from onnx.reference import ReferenceEvaluator

        self._names = tuple(spec.name for spec in network.interface.inputs)
        self._evaluator: Any = ReferenceEvaluator(_doubled(network.file))

    def run(self, arrays: Arrays) -> Arrays:
        """Return the outputs for float64 inputs. Raises NoTwinError where the evaluator gives up."""
        try:
            found = self._evaluator.run(None, dict(zip(self._names, arrays, strict=True)))
        except Exception as error:
            raise NoTwinError(f"no float64 twin: {type(error).__name__}: {str(error)[:200]}") from error
        return [np.asarray(array) for array in found]

    def close(self) -> None:
        """Release the float64 weights."""
        self._evaluator = None


def _onnx(network: Network) -> Callable[[Arrays], Arrays]:
    from onnx.reference import ReferenceEvaluator

    by = "onnx's reference evaluator"
    with _explained(by):  # it refuses an op that it does not know right here
        evaluator = ReferenceEvaluator(str(network.file))
    names = tuple(spec.name for spec in network.interface.inputs)

    def run(arrays: Arrays) -> Arrays:
        with _explained(by):
            found = evaluator.run(None, dict(zip(names, arrays, strict=True)))
        return [np.asarray(array) for array in found]

    return run


@contextlib.contextmanager
def _explained(by: str) -> Iterator[None]:
    """Say of whatever a reference implementation raises that there is no reference."""
    try:
        yield
    except Exception as error:  # they have no error classes of their own
        raise NoReferenceError(f"{by} cannot compute this model: {type(error).__name__}: {str(error)[:300]}") from error


def _doubled(path: Path | None) -> Any:
    """Load a model with every float32 initialiser, constant, type and cast as double."""
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    for tensor in graph.initializer:
        _double_tensor(tensor)
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
            value.type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                _double_tensor(attribute.t)
            elif node.op_type == "Cast" and attribute.name == "to" and attribute.i == onnx.TensorProto.FLOAT:
                attribute.i = onnx.TensorProto.DOUBLE
    return model


def _double_tensor(tensor: Any) -> None:
    import onnx

    if tensor.data_type == onnx.TensorProto.FLOAT:
        values = onnx.numpy_helper.to_array(tensor).astype(np.float64)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))


def _tflite(network: Network) -> Callable[[Arrays], Arrays]:
    import tensorflow as tf

    by = "the TFLite interpreter"
    with _explained(by):
        interpreter = tf.lite.Interpreter(model_path=str(network.file), num_threads=1)

    def run(arrays: Arrays) -> Arrays:
        with _explained(by):
            inputs = interpreter.get_input_details()
            for detail, array in zip(inputs, arrays, strict=True):
                interpreter.resize_tensor_input(detail["index"], array.shape)
            interpreter.allocate_tensors()
            for detail, array in zip(inputs, arrays, strict=True):
                interpreter.set_tensor(detail["index"], array)
            interpreter.invoke()
            return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]

    return run
