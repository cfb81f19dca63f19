"""Rewrites of a TFLite flatbuffer's object tree that make OpenCV's importer give what the graph says. All exact."""

from __future__ import annotations

import copy
from typing import Any


def unfuse_output_activations(model: Any) -> None:
    """Split activations off the operators that produce the model's outputs.

    OpenCV 4 names a layer after its operator's result and adds a fused activation as `NAME/activ`, so asking for
    `NAME` gives the value before the activation.
    """
    graph = model.subgraphs[0]
    outputs = {int(index) for index in graph.outputs}
    operators: list[Any] = []
    for operator in graph.operators:
        operators.append(operator)
        activation = getattr(operator.builtinOptions, "fusedActivationFunction", 0)
        if activation in _operator_codes() and outputs & {int(index) for index in operator.outputs}:
            operators.append(_split(model, operator, _operator_codes()[activation]))
    graph.operators = operators


def _operator_codes() -> dict[int, int]:
    """Return the operator that stands for each fused activation."""
    from tensorflow.lite.python import schema_py_generated as schema

    kinds, operators = schema.ActivationFunctionType, schema.BuiltinOperator
    return {
        kinds.RELU: operators.RELU,
        kinds.RELU6: operators.RELU6,
        kinds.RELU_N1_TO_1: operators.RELU_N1_TO_1,
        kinds.TANH: operators.TANH,
    }


def _split(model: Any, operator: Any, code: int) -> Any:
    """Take the activation out of an operator and return the operator that applies it afterwards."""
    from tensorflow.lite.python import schema_py_generated as schema

    graph = model.subgraphs[0]
    result = int(operator.outputs[0])
    before = copy.copy(graph.tensors[result])
    before.name = _text(before.name) + "/before_activation"
    graph.tensors.append(before)
    operator.outputs = [len(graph.tensors) - 1]
    operator.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.NONE
    activation = schema.OperatorT()
    activation.opcodeIndex = _opcode_index(model, code)
    activation.inputs, activation.outputs = [len(graph.tensors) - 1], [result]
    return activation


def _opcode_index(model: Any, code: int) -> int:
    from tensorflow.lite.python import schema_py_generated as schema

    for index, known in enumerate(model.operatorCodes):
        if code in {known.builtinCode, known.deprecatedBuiltinCode}:
            return index
    new = schema.OperatorCodeT()
    new.builtinCode = new.deprecatedBuiltinCode = code
    new.version = 1
    model.operatorCodes.append(new)
    return len(model.operatorCodes) - 1


def _text(name: Any) -> str:
    return str(name.decode() if isinstance(name, bytes) else name)
