"""Gives a random network weights under which its output depends on its input and on every weight.

Freshly initialised networks collapse or saturate (MobileNetV2's output has a standard deviation of 1e-10), and zero
biases and untouched statistics fold away, so that parity between two implementations proves nothing. Here every
layer, in the order of execution, is given random weights, scaled so that its output before the activation has about
unit variance on a fixed probe batch, with biases and statistics that count (the idea of layer-sequential
unit-variance initialisation, Mishkin and Matas 2015).

The result depends on the architecture and the seed alone: all draws are uniform (no libm), the probe runs in float64,
and everything measured is rounded to a few significant bits, so neither threads nor vector units can change it.
May be imported in the exporter only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.manifests import TensorSpec

Array = npt.NDArray[np.float64]

_PROBE_ITEMS = 8
_PROBE_ITEMS_LARGE = 4
_LARGE_INPUT_ELEMENTS = 100_000
_UNIT = 3**0.5
"""A uniform variable on +-sqrt(3) has variance 1."""
_SCALES = ("gamma", "scale")
_ALPHAS = ("alpha",)
_HIGHEST_BETA = 2.0


def condition(model: Any, inputs: Sequence[TensorSpec], seed: int) -> None:
    """Replace the weights of a built or buildable Keras model, in place.

    `inputs` are its inputs in order, with static shapes; a batch axis that the model leaves open is widened to a few
    items. Layers without float weights, and those that were given their weights (`Normalization`), stay as they are.
    """
    import keras

    pass_ = _Pass(keras, seed)
    probes = [probe_batch(spec, index, seed, _items(model, index, spec)) for index, spec in enumerate(inputs)]
    probe = _as_the_model_takes_them(keras, model, [keras.ops.convert_to_tensor(probe) for probe in probes])
    if not model.built:  # its layers' variables must exist before their dtype policies are exchanged
        model(probe, training=False)
    with _computing_in_float64(keras, model), _visiting_layers(keras, pass_.visit):
        model(probe, training=False)


def probe_batch(spec: TensorSpec, index: int, seed: int, items: int) -> npt.NDArray[Any]:
    """Return the fixed batch a model is conditioned on: noise around a level that differs by item and channel.

    Noise alone would average out in deep layers and pooling, and all items would look the same there.
    Raises ValueError for a shape with an open axis.
    """
    shape = (items, *(_static(size, spec) for size in spec.shape[1:]))
    random = _random("probe", seed, index, spec.name)
    if not spec.dtype.startswith(("float", "bfloat")):
        low, high = int(spec.low or 0), int(1 if spec.high is None else spec.high)
        return random.randint(low, high + 1, shape).astype(spec.dtype)
    levels = random.uniform(-_UNIT, _UNIT, (items, *(1 for _ in shape[2:]), *shape[1:][-1:]))
    values = 0.7 * levels + 0.7 * random.uniform(-_UNIT, _UNIT, shape)
    if spec.low is not None and spec.high is not None:
        values = spec.low + (values / (1.4 * _UNIT) + 0.5) * (spec.high - spec.low)
    return values.astype(spec.dtype)


def rounded(values: npt.ArrayLike, bits: int = 2) -> Array:
    """Round to `bits` significant bits, so that noise in a measurement cannot show in the result."""
    mantissa, exponent = np.frexp(np.asarray(values, np.float64))
    return np.asarray(np.ldexp(np.round(np.ldexp(mantissa, bits)), exponent - bits), np.float64)


class _Pass:
    """One walk through the model: conditions each layer when it is first called."""

    def __init__(self, keras: Any, seed: int) -> None:
        self._keras = keras
        self._seed = seed
        self._done: set[int] = set()

    def visit(self, layer: Any, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Condition `layer`, about to be called with these arguments, and then call it."""
        if id(layer) not in self._done:
            self._done.add(id(layer))
            self._condition(layer, call, args, kwargs)
        return self._call(layer, call, args, kwargs)

    def _call(self, layer: Any, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        import tensorflow as tf

        if getattr(layer, "groups", 1) > 1 and _own_floats(layer):  # compiled anew at each call: seconds in float64
            layer.dtype_policy = "float32"
        refused = (tf.errors.NotFoundError, tf.errors.InvalidArgumentError, tf.errors.UnimplementedError, TypeError)
        try:
            return call(layer, *args, **kwargs)
        except refused:  # no float64 kernel (AvgPool3D, MaxPool3D), or its own code counts on float32
            for part in layer._flatten_layers():
                part.dtype_policy = "float32"
        try:
            return call(layer, *args, **kwargs)
        except refused:  # no kernel for the CPU at all (channels-first convolutions, dilated transposed ones): by XLA
            return tf.function(lambda: call(layer, *args, **kwargs), jit_compile=True)()

    def _condition(self, layer: Any, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        nn = self._keras.layers
        random = _random("layer", self._seed, len(self._done), type(layer).__name__)
        if isinstance(layer, nn.TimeDistributed):
            # It calls its child's `call`, not the child: visit the child here, all time steps as one batch.
            layer.layer(_merge_time(args[0]))
        elif isinstance(layer, nn.RNN):
            self._done.update(id(child) for child in layer._flatten_layers())  # its cell runs inside, step by step
            _draw_recurrent(layer, np.asarray(args[0], np.float64), random)
        elif isinstance(layer, nn.BatchNormalization):
            _draw_batch_normalization(layer, np.asarray(args[0], np.float64), random)
        elif not isinstance(layer, nn.Normalization) and (variables := _own_floats(layer)):
            _draw(variables, random)
            kernels = [variable for variable in variables if _is_kernel(variable)]
            if kernels and not isinstance(layer, nn.Embedding):
                outputs = _pre_activation(layer, self._keras, lambda: self._call(layer, call, args, kwargs))
                _scale(kernels[-1], _biases(variables), outputs, random, channels_axis=_channels_axis(layer))


def _draw(variables: Sequence[Any], random: np.random.RandomState) -> None:
    for variable in variables:
        shape = tuple(variable.shape)
        if _is_kernel(variable):
            values = random.uniform(-_UNIT, _UNIT, shape) * float(rounded(_fan_in(variable) ** -0.5))
        elif variable.name in _SCALES:
            values = random.uniform(0.5, 1.5, shape)
        elif variable.name in _ALPHAS:
            values = random.uniform(0.05, 0.45, shape)
        else:
            values = random.uniform(-0.5, 0.5, shape)
        variable.assign(values.astype(np.float32))


def _draw_recurrent(layer: Any, inputs: Array, random: np.random.RandomState) -> None:
    _draw(_floats(layer.weights), random)
    level = float(rounded(np.sqrt(np.mean(inputs**2)))) or 1.0
    for variable in layer.weights:
        if variable.name == "kernel":
            variable.assign(variable.numpy() / np.float32(level))


def _draw_batch_normalization(layer: Any, inputs: Array, random: np.random.RandomState) -> None:
    """Set statistics near the measured ones: exactly those would leave nothing but gamma and beta to get wrong.

    Beta is drawn above zero. About zero a ReLU behind it lets half of each channel pass, and rounding errors grow by a
    fifth from layer to layer (Yang et al. 2019, "A Mean Field Theory of Batch Normalization"); so they grow by a
    sixteenth, and networks of a hundred layers can still be compared.
    """
    _draw(_floats(layer.weights), random)
    if layer.center:
        layer.beta.assign(random.uniform(0, _HIGHEST_BETA, tuple(layer.beta.shape)).astype(np.float32))
    axis = layer.axis % inputs.ndim
    others = tuple(index for index in range(inputs.ndim) if index != axis)
    deviation = rounded(_positive(inputs.std(axis=others), inputs))
    steps = np.round(inputs.mean(axis=others) / deviation * 8) / 8
    layer.moving_mean.assign(((steps + random.uniform(-0.25, 0.25, steps.shape)) * deviation).astype(np.float32))
    layer.moving_variance.assign((deviation**2 * random.uniform(0.5, 2, steps.shape)).astype(np.float32))


def _scale(
    kernel: Any, biases: Sequence[Any], outputs: Array, random: np.random.RandomState, *, channels_axis: int
) -> None:
    """Scale a kernel to outputs of unit variance about their channel means, and let the bias centre them roughly."""
    outputs = np.moveaxis(outputs, channels_axis, -1)
    axes = tuple(range(outputs.ndim - 1))
    deviation = outputs.std(axis=axes) if len(outputs) > 1 else np.asarray([outputs.std()])
    scale = float(rounded(1 / _positive(np.sqrt(np.mean(deviation**2)), outputs)))
    kernel.assign(kernel.numpy() * np.float32(scale))
    for bias in biases:
        shape = (1,) * (outputs.ndim - len(bias.shape)) + tuple(bias.shape)
        folded = tuple(index for index, size in enumerate(shape) if size == 1)
        centre = outputs.mean(axis=folded, keepdims=True) * scale
        values = random.uniform(-0.5, 0.5, shape)
        if centre.shape == shape:
            values -= np.round(centre * 8) / 8
        bias.assign(values.reshape(tuple(bias.shape)).astype(np.float32))


def _pre_activation(layer: Any, keras: Any, call: Callable[[], Any]) -> Array:
    """Return the layer's outputs without bias and without its activation, which may saturate."""
    held = {name: vars(layer)[name] for name in ("activation",) if callable(vars(layer).get(name))}
    for bias in _biases(_own_floats(layer)):
        bias.assign(np.zeros(tuple(bias.shape), np.float32))
    vars(layer).update(dict.fromkeys(held, keras.activations.linear))  # not setattr: Keras locks built layers
    try:
        first = keras.tree.flatten(call())[0]
    finally:
        vars(layer).update(held)
    return np.asarray(first, np.float64)


def _own_floats(layer: Any) -> list[Any]:
    """Return the float variables of the layer itself that training could change, also where the layer is frozen."""
    return _floats(layer._trainable_variables)  # the public list has its children's as well, and none of a frozen one's


def _floats(variables: Sequence[Any]) -> list[Any]:
    return [variable for variable in variables if str(variable.dtype).startswith(("float", "bfloat"))]


def _biases(variables: Sequence[Any]) -> list[Any]:
    return [variable for variable in variables if "bias" in variable.name]


def _is_kernel(variable: Any) -> bool:
    return len(variable.shape) > 1 and "bias" not in variable.name and variable.name not in (*_SCALES, *_ALPHAS, "beta")


def _fan_in(variable: Any) -> float:
    shape = tuple(variable.shape)
    return 1.0 if variable.name == "embeddings" else float(np.prod(shape[:-1]))


def _channels_axis(layer: Any) -> int:
    return 1 if getattr(layer, "data_format", None) == "channels_first" else -1


def _positive(deviation: Any, values: Array) -> Any:
    """Replace deviations that are nothing but rounding by the values' own magnitude, or 1 where all are zero."""
    magnitude = float(np.sqrt(np.mean(values**2))) or 1.0
    return np.where(deviation > 1e-6 * magnitude, deviation, magnitude)


def _merge_time(inputs: Any) -> Any:
    import keras

    return keras.ops.reshape(inputs, (-1, *inputs.shape[2:]))


def _as_the_model_takes_them(keras: Any, model: Any, tensors: list[Any]) -> Any:
    structure = getattr(model, "input", None)  # a tensor, list or dict of them; subclassed models have none
    if structure is None:
        return tensors[0] if len(tensors) == 1 else tensors
    return keras.tree.pack_sequence_as(structure, tensors)


def _items(model: Any, index: int, spec: TensorSpec) -> int:
    symbolic = getattr(model, "inputs", None)
    if symbolic and symbolic[index].shape[0] is not None:
        return int(symbolic[index].shape[0])
    elements = int(np.prod([_static(size, spec) for size in spec.shape[1:]]))
    return _PROBE_ITEMS_LARGE if elements > _LARGE_INPUT_ELEMENTS else _PROBE_ITEMS


def _static(size: int | None, spec: TensorSpec) -> int:
    if size is None:
        raise ValueError(f"input {spec.name!r} has the shape {spec.shape}; conditioning needs all sizes fixed")
    return size


def _random(*parts: object) -> np.random.RandomState:
    """Return a generator seeded by these parts; RandomState because its streams are frozen for all NumPy releases."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return np.random.RandomState(np.frombuffer(digest, np.uint32))


@contextmanager
def _visiting_layers(keras: Any, visit: Callable[..., Any]) -> Iterator[None]:
    """Route every call of a Keras layer through `visit(layer, original_call, *args, **kwargs)`."""
    original = keras.layers.Layer.__call__

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return visit(layer, original, *args, **kwargs)

    keras.layers.Layer.__call__ = call
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = original


@contextmanager
def _computing_in_float64(keras: Any, model: Any) -> Iterator[None]:
    """Let all layers compute in float64 on their float32 variables, the way mixed precision does downwards."""

    class ComputeInFloat64(keras.DTypePolicy):  # type: ignore[misc]  # Keras has no types
        compute_dtype = property(lambda _self: "float64")

    held = [(layer, layer.dtype_policy) for layer in model._flatten_layers() if _is_plain_float32(layer)]
    for layer, _ in held:
        layer.dtype_policy = ComputeInFloat64("float32")
    try:
        yield
    finally:
        for layer, policy in held:
            layer.dtype_policy = policy


def _is_plain_float32(layer: Any) -> bool:
    policy = layer.dtype_policy
    return bool(policy.compute_dtype == policy.variable_dtype == "float32" and policy.quantization_mode is None)
