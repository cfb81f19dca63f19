"""Activations by sums, products, exponentials and the larger of two; and what comes near them."""

from __future__ import annotations

from typing import Any

from harness.export.advice.ways import Code, Way

_FORMULAS = {
    "relu": "ops.maximum(x, 0.0)",
    "relu6": "ops.minimum(ops.maximum(x, 0.0), 6.0)",
    "silu": "x * ops.sigmoid(x)",
    "swish": "x * ops.sigmoid(x)",
    "softplus": "ops.maximum(x, 0.0) + ops.log(1.0 + ops.exp(-ops.abs(x)))",
    "softsign": "x / (1.0 + ops.abs(x))",
    "mish": "x * ops.tanh(ops.maximum(x, 0.0) + ops.log(1.0 + ops.exp(-ops.abs(x))))",
    "elu": "ops.maximum(x, 0.0) + ops.exp(ops.minimum(x, 0.0)) - 1.0",
    "selu": "1.0507009873554805 * (ops.maximum(x, 0.0) + 1.6732632423543772 * (ops.exp(ops.minimum(x, 0.0)) - 1.0))",
    "celu": "ops.maximum(x, 0.0) + ops.exp(ops.minimum(x, 0.0)) - 1.0",
    "hard_sigmoid": "ops.minimum(ops.maximum(x / 6.0 + 0.5, 0.0), 1.0)",
    "hard_silu": "x * ops.minimum(ops.maximum(x / 6.0 + 0.5, 0.0), 1.0)",
    "hard_swish": "x * ops.minimum(ops.maximum(x / 6.0 + 0.5, 0.0), 1.0)",
    "hard_tanh": "ops.minimum(ops.maximum(x, -1.0), 1.0)",
    "tanh_shrink": "x - ops.tanh(x)",
    "soft_shrink": "ops.maximum(x - 0.5, 0.0) + ops.minimum(x + 0.5, 0.0)",
    "log_sigmoid": "ops.minimum(x, 0.0) - ops.log(1.0 + ops.exp(-ops.abs(x)))",
    "squareplus": "0.5 * (x + ops.sqrt(x * x + 4.0))",
    "sparse_plus": "ops.where(x <= -1.0, 0.0, ops.where(x < 1.0, 0.25 * (x + 1.0) * (x + 1.0), x))",
    "exponential": "ops.exp(x)",
}
_TANH_GELU = "0.5 * x * (1.0 + ops.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))"


def _function(formula: str) -> str:
    return f"""
        def replacement(x):
            return {formula}
    """


def _name(layer: Any) -> str:
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def _spelled(layer: Any) -> str | None:
    formula = _FORMULAS.get(_name(layer))
    return None if formula is None else _function(formula)


def _tanh_gelu(layer: Any) -> str | None:
    return _function(_TANH_GELU) if _name(layer) == "gelu" else None


def _relu(layer: Any) -> str | None:
    cap = "" if layer.max_value is None else f"ops.minimum(x, {float(layer.max_value)})"
    slope, threshold = float(layer.negative_slope), float(layer.threshold)
    if threshold:
        return None
    kept = f"ops.maximum({cap or 'x'}, 0.0)"
    return _function(f"{kept} + {slope} * ops.minimum(x, 0.0)" if slope else kept)


def _leaky(layer: Any) -> str | None:
    return _function(f"ops.maximum(x, 0.0) + {float(layer.negative_slope)} * ops.minimum(x, 0.0)")


def _elu(layer: Any) -> str | None:
    return _function(f"ops.maximum(x, 0.0) + {float(layer.alpha)} * (ops.exp(ops.minimum(x, 0.0)) - 1.0)")


def _prelu(_: Any) -> str | None:
    return _function("ops.maximum(x, 0.0) + layer.alpha * ops.minimum(x, 0.0)")


def _softmax(layer: Any) -> str | None:
    axis = layer.axis
    if not isinstance(axis, int):
        return None
    return f"""
        def replacement(x):
            powers = ops.exp(x - ops.max(x, axis={axis}, keepdims=True))
            return powers / ops.sum(powers, axis={axis}, keepdims=True)
    """


def _always(formula: str) -> Code:
    return lambda _: _function(formula)


WAYS = (
    Way(name="activations/formula", says="write the formula", of=("Activation",), code=_spelled),
    Way(
        name="activations/tanh-gelu",
        says="use its usual approximation by tanh, `keras.activations.gelu(x, approximate=True)`",
        of=("Activation",),
        code=_tanh_gelu,
        bar=1e-3,
    ),
    Way(name="activations/relu-formula", says="take the larger of x and 0", of=("ReLU",), code=_relu),
    Way(name="activations/leaky-formula", says="add the two halves", of=("LeakyReLU",), code=_leaky),
    Way(name="activations/elu-formula", says="add the two halves", of=("ELU",), code=_elu),
    Way(name="activations/prelu-formula", says="add the two halves", of=("PReLU",), code=_prelu),
    Way(name="activations/softmax-formula", says="divide the powers by their sum", of=("Softmax",), code=_softmax),
    Way(
        name="activations/softplus-formula",
        says="keep its exponential below one",
        of=("Softplus",),
        code=_always(_FORMULAS["softplus"]),
    ),
    Way(
        name="activations/gelu-operation",
        says="use its usual approximation by tanh",
        of=("Gelu",),
        code=_always(_TANH_GELU),
        bar=1e-3,
    ),
    Way(
        name="activations/erf-approximated",
        says="use a rational approximation (Abramowitz and Stegun 7.1.26) of the error function",
        operation="Erf",
        code=lambda _: (
            """
            def replacement(x):
                t = 1.0 / (1.0 + 0.3275911 * ops.abs(x))
                series = 0.0
                for weight in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
                    series = (series + weight) * t
                return ops.sign(x) * (1.0 - series * ops.exp(-x * x))
        """
        ),
        bar=1e-5,
    ),
)
