"""Opener for SavedModel folders: of Keras 3's `export()`, of `tf.saved_model.save`, and of old releases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import ModelRejectedError
from harness.export import graphs, model_files, naming, shapes
from harness.export.network import Interface, Network, digest_arrays
from harness.manifests import TensorSpec
from harness.sources import Source

_SIGNATURE = "serving_default"


def open_folder(source: Source) -> Network:
    """Load the signature `serving_default`; what TensorFlow 2's loader refuses goes through the session loader."""
    import tensorflow as tf

    folder = Path(source.location)
    try:
        loaded = tf.saved_model.load(str(folder))
        signatures = loaded.signatures
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        return _open_by_session(folder, source, error)
    except (OSError, tf.errors.OpError) as error:
        raise ModelRejectedError(f"{folder} cannot be loaded as a SavedModel: {_first_line(error)}") from error
    if _SIGNATURE not in signatures:
        shown = ", ".join(signatures) or "none"
        raise ModelRejectedError(
            f"{folder} has no signature {_SIGNATURE!r} (it has: {shown}); save it with "
            "tf.saved_model.save(model, folder, signatures={'serving_default': ...}) or model.export(folder)"
        )
    return _from_signature(loaded, signatures[_SIGNATURE], folder, source)


def _from_signature(loaded: Any, function: Any, folder: Path, source: Source) -> Network:
    named = function.structured_input_signature[1]
    keys = tuple(named)  # keyword arguments of the signature, in their order
    specs, notes = shapes.make_static(
        tuple(model_files.tensor_spec(key, named[key].shape, named[key].dtype) for key in keys), source.input_shapes
    )
    names = naming.clean(keys)
    traced, output_keys = _trace(function, keys, graphs.signature(names, specs))
    outputs = tuple(
        model_files.tensor_spec(key, tensor.shape, tensor.dtype)
        for key, tensor in zip(output_keys, traced.outputs, strict=True)
    )
    variables = list(function.variables)
    arrays = [variable.numpy() for variable in variables]
    model_files.refuse_nonfinite([variable.name for variable in variables], arrays)
    traced.harness_keeps_alive = loaded  # variables die with the object that was loaded
    return Network(
        kind="savedmodel",
        interface=Interface(
            inputs=specs, outputs=outputs, input_names=names, output_names=naming.outputs(len(outputs))
        ),
        weights_digest=digest_arrays(arrays),
        function=traced,
        folder=folder,
        parameters=sum(int(array.size) for array in arrays),
        notes=notes,
        resize=lambda wanted: _from_signature(
            loaded, function, folder, replace(source, input_shapes=tuple(_sizes(spec) for spec in wanted))
        ),
    )


def _sizes(spec: TensorSpec) -> tuple[int, ...]:
    return tuple(1 if size is None else size for size in spec.shape)


def _trace(function: Any, keys: tuple[str, ...], signature: list[Any]) -> tuple[Any, list[str]]:
    import tensorflow as tf

    names: list[str] = []

    def forward(*arguments: Any) -> list[Any]:
        result = function(**dict(zip(keys, arguments, strict=True)))
        names[:] = sorted(result)
        return [tf.identity(result[name], name=f"output_{index}") for index, name in enumerate(names)]

    return tf.function(forward, autograph=False).get_concrete_function(*signature), names


def _open_by_session(folder: Path, source: Source, reason: Exception) -> Network:
    """Read a SavedModel by TensorFlow 1's loader, which ignores the Python objects that the other one trips over."""
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        try:
            meta = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(folder))
            found = meta.signature_def[_SIGNATURE]
            outputs = [found.outputs[key].name for key in sorted(found.outputs)]
            inputs = [found.inputs[key].name.partition(":")[0] for key in sorted(found.inputs)]
            frozen = tf.compat.v1.graph_util.convert_variables_to_constants(
                session, session.graph.as_graph_def(), [name.partition(":")[0] for name in outputs]
            )
        except (OSError, KeyError, ValueError, RuntimeError, tf.errors.OpError) as error:
            raise ModelRejectedError(
                f"{folder} cannot be loaded as a SavedModel: {_first_line(reason)}; nor by the session loader: "
                f"{_first_line(error)}"
            ) from error
    network = model_files.from_graph(frozen, source, kind="savedmodel", placeholders=inputs, tensors=outputs)
    network.use_folder(folder)
    return network


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
