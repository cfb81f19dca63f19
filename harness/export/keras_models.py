"""Openers for everything that is a live Keras model: zoo cases, callables, `.keras` and `.h5` files."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.cases import Case, Weights, load_zoo
from harness.errors import HarnessError, ModelRejectedError, UsageError
from harness.export import naming, shapes
from harness.export.graphs import signature
from harness.export.network import Interface, Network, digest_arrays
from harness.export.ownership import Owners, recorded
from harness.export.rewriting import Rewriter
from harness.export.stored_code import refuse_stored_code
from harness.export.tracing import is_recurrent, unrolled, without_updates
from harness.manifests import NamedLayer, TensorSpec
from harness.sources import Rewrite, Source, SourceKind


def open_case(source: Source) -> Network:
    """Build a zoo case and condition its weights. Raises UsageError for an id that no named zoo has."""
    case = _find_case(source)
    missing = case.missing_packages()
    if missing:
        raise ModelRejectedError(f"case {case.id!r} needs {', '.join(missing)}; install it to run this case")
    model = case.build()
    if case.weights is Weights.CONDITIONED:
        from harness.export.conditioning import condition

        condition(model, case.inputs, seed=0)
    declared = () if source.input_shapes else case.inputs
    return from_model(model, declared, source.input_shapes, rewrites=source.rewrites, until=source.until)


def open_callable(source: Source) -> Network:
    """Call `package.module:callable` without arguments; it must return a `keras.Model`."""
    model = _call(source.location)
    return from_model(
        model, (), source.input_shapes, conditioned=source.conditioned, rewrites=source.rewrites, until=source.until
    )


def open_file(source: Source) -> Network:
    """Load a `.keras` or `.h5` file. Code stored inside is refused unless trusted, before anything is deserialised."""
    import keras

    path = Path(source.location)
    if not source.trust_lambda:
        refuse_stored_code(path, source.kind)
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=not source.trust_lambda)
    except Exception as error:
        raise ModelRejectedError(
            f"{path} is recognised as {_FORMS[source.kind]}, but Keras cannot load it: {_first_lines(error)}; "
            "save it again with the Keras that made it, or pass the function that builds it as package.module:callable"
        ) from error
    return from_model(
        model, (), source.input_shapes, conditioned=source.conditioned, rewrites=source.rewrites, until=source.until
    )


def _as_asked(model: Any, source: Source) -> Network:
    shapes_asked, rewrites, until = source.input_shapes, source.rewrites, source.until
    return from_model(model, (), shapes_asked, conditioned=source.conditioned, rewrites=rewrites, until=until)


_FORMS = {SourceKind.KERAS: "a .keras archive", SourceKind.H5: "an HDF5 file"}


def from_model(
    model: Any,
    declared: Sequence[TensorSpec],
    asked: Sequence[tuple[int, ...]],
    *,
    conditioned: bool = False,
    rewrites: tuple[Rewrite, ...] = (),
    until: str | None = None,
) -> Network:
    """Make a network of a Keras model: static shapes, clean names, weights checked (or replaced: `conditioned`).

    `declared` are the input specs a zoo case states (static, in order); `asked` are shapes the user asked for. Layers
    that are rewritten keep their weights. `until` is the layer that ends the model.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise ModelRejectedError(f"got {type(model).__module__}.{type(model).__qualname__}, which is no keras.Model")
    model = model if until is None else _up_to(model, until)
    specs, notes = shapes.make_static(declared or _input_specs(model, asked), asked)
    if conditioned:
        _condition(model, specs)
    names = naming.clean(spec.name for spec in specs)
    owners, rewriter = Owners(), Rewriter(rewrites)
    function, outputs = _trace(model, names, specs, owners, rewriter)
    rewriter.refuse_unknown_layers()
    owners.add_outputs(function.outputs, naming.outputs(len(outputs)))
    return Network(
        kind=_kind(model),
        interface=Interface(
            inputs=specs, outputs=outputs, input_names=names, output_names=naming.outputs(len(outputs))
        ),
        weights_digest=digest_arrays(_weights(model)),
        function=function,
        model=model,
        parameters=int(model.count_params()),
        layers=_layer_classes(model),
        notes=notes,
        owners=owners,
        unroll=(lambda: _unrolled(model, names, specs, owners, rewriter)) if is_recurrent(model) else None,
        resize=lambda specs: from_model(model, specs, (), rewrites=rewrites),
        sequence=_sequence(model),
        open_axes=_open_axes(model),
    )


def _up_to(model: Any, layer: str) -> Any:
    import keras

    try:
        return keras.Model(model.inputs, model.get_layer(layer).output)
    except (AttributeError, ValueError) as error:  # subclassed; no such layer; one that is called several times
        raise ModelRejectedError(f"the model cannot be ended at layer {layer!r}: {_first_lines(error)}") from error


def _sequence(model: Any) -> tuple[NamedLayer, ...]:
    import keras

    if _kind(model) == "subclassed":
        return ()
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    return tuple(NamedLayer(name=layer.name, class_=type(layer).__name__) for layer in layers)


def _open_axes(model: Any) -> tuple[tuple[int, ...], ...]:
    """Return, for each input of a built functional model, the axes after the batch that it leaves open."""
    try:
        symbolic = model.inputs or ()
    except (AttributeError, ValueError):  # a subclassed model has no inputs of its own
        return ()
    return tuple(tuple(axis for axis, size in enumerate(tensor.shape) if axis and size is None) for tensor in symbolic)


def _condition(model: Any, specs: Sequence[TensorSpec]) -> None:
    from harness.export.conditioning import condition

    try:
        condition(model, specs, seed=0)
    except Exception as error:  # somebody's own layers may raise anything when they compute in float64
        raise ModelRejectedError(f"the weights cannot be conditioned: {_first_lines(error)}") from error


def _find_case(source: Source) -> Case:
    cases = {case.id: case for package in source.zoo for case in load_zoo(package)}
    if source.location not in cases:
        raise UsageError(f"no case {source.location!r} in the zoo {', '.join(source.zoo)}")
    return cases[source.location]


def _call(location: str) -> Any:
    module_name, _, attribute = location.partition(":")
    if not attribute:
        raise UsageError(f"{location!r} names no callable; write package.module:callable")
    try:
        build: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            build = getattr(build, part)
        return build()
    except HarnessError:
        raise
    except Exception as error:
        raise ModelRejectedError(
            f"{location} could not be called: {type(error).__name__}: {_first_lines(error)}; it must be importable "
            f"(PYTHONPATH and the folder it was started in count) and return a keras.Model without arguments"
        ) from error


def _input_specs(model: Any, asked: Sequence[tuple[int, ...]]) -> tuple[TensorSpec, ...]:
    """Read the specs of a built functional model; a subclassed one has none and takes the shapes asked for."""
    try:
        symbolic = model.inputs
    except (AttributeError, ValueError):
        symbolic = None
    if symbolic:
        return tuple(_spec(tensor) for tensor in symbolic)
    if symbolic is not None and not asked:
        return ()
    if not asked:
        return _built_with(model)
    return tuple(TensorSpec(name=f"input_{index}", shape=shape) for index, shape in enumerate(asked))


def _built_with(model: Any) -> tuple[TensorSpec, ...]:
    """Read the shape, or the list of shapes, that a subclassed model was built or first called with."""
    told = (model.get_build_config() or {}).get("input_shape") or ()
    shapes_told = [told] if all(size is None or isinstance(size, int) for size in told) else list(told)
    if not told or not all(isinstance(shape, (tuple, list)) for shape in shapes_told):
        raise ModelRejectedError(
            f"{type(model).__name__} is a subclassed model that was never called, so its inputs are unknown; "
            "pass --input-shape (one for each input)"
        )
    return tuple(TensorSpec(name=f"input_{index}", shape=tuple(shape)) for index, shape in enumerate(shapes_told))


def _spec(tensor: Any) -> TensorSpec:
    if tensor.shape is None:
        raise ModelRejectedError(f"input {tensor.name!r} is of unknown rank; give it a shape in its Input layer")
    return TensorSpec(name=tensor.name, shape=tuple(tensor.shape), dtype=str(tensor.dtype))


def _trace(
    model: Any, names: tuple[str, ...], specs: tuple[TensorSpec, ...], owners: Owners, rewriter: Rewriter
) -> tuple[Any, tuple[TensorSpec, ...]]:
    """Trace the model in inference mode; return the concrete function and the specs of its outputs."""
    try:
        with recorded(owners, rewriter), without_updates():
            function, paths = trace(model, signature(names, specs))
    except Exception as error:
        shown = ", ".join(str(spec.shape) for spec in specs)
        raise ModelRejectedError(
            f"the model cannot be called on inputs of shape {shown}: {type(error).__name__}: {_first_lines(error)}; "
            "if the shape is wrong, pass --input-shape"
        ) from error
    outputs = tuple(
        TensorSpec(name=name, shape=_known(tensor, name), dtype=tensor.dtype.name)
        for name, tensor in zip(paths, function.outputs, strict=True)
    )
    return function, outputs


def _unrolled(
    model: Any, names: tuple[str, ...], specs: tuple[TensorSpec, ...], owners: Owners, rewriter: Rewriter
) -> Any:
    with unrolled():
        function, _ = _trace(model, names, specs, owners, rewriter)
    owners.add_outputs(function.outputs, naming.outputs(len(function.outputs)))
    return function


def trace(model: Any, signatures: list[Any]) -> tuple[Any, list[str]]:
    """Return the concrete function of `model(..., training=False)` and Keras's names for its outputs.

    The function returns a list, made by nodes named `output_0`, `output_1`, ...
    """
    import keras
    import tensorflow as tf

    paths: list[str] = []

    def forward(*arguments: Any) -> list[Any]:
        result = model(_pack(model, arguments), training=False)
        flat = keras.tree.flatten(result)
        paths[:] = _output_names(model, result, len(flat))
        return [tf.identity(tensor, name=f"output_{index}") for index, tensor in enumerate(flat)]

    return tf.function(forward, autograph=False).get_concrete_function(*signatures), paths


def _pack(model: Any, arguments: tuple[Any, ...]) -> Any:
    """Give the model its inputs in the structure it was built with (dict, tuple, single tensor)."""
    import keras

    structure = getattr(model, "_inputs_struct", None)
    if structure is not None:
        return keras.tree.pack_sequence_as(structure, list(arguments))
    return arguments[0] if len(arguments) == 1 else list(arguments)


def _output_names(model: Any, result: Any, count: int) -> list[str]:
    if isinstance(result, dict) and len(result) == count:
        return [str(name) for name in sorted(result)]
    names = getattr(model, "output_names", None)
    if names and len(names) == count == len(set(names)):
        return list(names)
    return list(naming.outputs(count))


def _known(tensor: Any, name: str) -> tuple[int | None, ...]:
    if tensor.shape.rank is None:
        raise ModelRejectedError(f"output {name!r} is of unknown rank; reshape it to a known one inside the model")
    return tuple(tensor.shape.as_list())


def _weights(model: Any) -> list[Any]:
    """Return all weights as arrays. Raises ModelRejectedError naming the first variable with NaN or infinity."""
    import numpy as np

    arrays = [np.asarray(variable) for variable in model.weights]
    for variable, array in zip(model.weights, arrays, strict=True):
        if array.dtype.kind not in "iub" and not np.isfinite(array.astype(np.float32)).all():
            raise ModelRejectedError(
                f"weights of {variable.path!r} hold NaN or infinity, so nothing computed from them can be compared; "
                "load a checkpoint from before training diverged"
            )
    return arrays


def _kind(model: Any) -> str:
    import keras

    if isinstance(model, keras.Sequential):
        return "sequential"
    return "functional" if getattr(model, "_inputs_struct", None) is not None else "subclassed"


def _layer_classes(model: Any) -> tuple[str, ...]:
    flatten = model._flatten_layers
    return tuple(sorted({type(layer).__name__ for layer in flatten(include_self=False)}))


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""Keras sets parts of its messages in bold, for terminals."""


def _first_lines(error: Exception, limit: int = 400) -> str:
    text = " ".join(_COLOURS.sub("", str(error)).split())
    return text if len(text) <= limit else f"{text[:limit]} ..."
