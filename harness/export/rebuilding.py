"""Small models built anew from the configurations of stock Keras layers, with weights that tell."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from typing import Any

from harness.chains import Chain, Link
from harness.encoding import from_json
from harness.errors import ExportFailedError, ModelRejectedError
from harness.export.keras_models import from_model
from harness.export.network import Network
from harness.manifests import TensorSpec
from harness.sources import Source


def open_chain(source: Source) -> Network:
    """Build the layers of a chain. Raises ModelRejectedError where they do not fit one another."""
    import keras

    chain = from_json(source.location, Chain)
    try:
        inputs = x = keras.Input(batch_shape=chain.shape, dtype=chain.dtype, name="x")
        for link in chain.links:
            x = _class(link.class_name).from_config(dict(link.config))(x)
        model = keras.Model(inputs, x)
    except Exception as error:  # Keras raises everything from TypeError up for a configuration that does not fit
        words = " ".join(str(error).split())[:300]
        raise ModelRejectedError(f"the layers do not fit: {type(error).__name__}: {words}") from error
    spec = TensorSpec(name="x", shape=chain.shape, dtype=chain.dtype)
    return from_model(model, (spec,), (), conditioned=True, rewrites=source.rewrites)


def chain_of(network: Network, layers: Sequence[str], shape: tuple[int, ...]) -> Chain:
    """Return layers of a network as a chain on one input of floats.

    Raises ExportFailedError for layers of somebody's own, and for operations, which have no configuration.
    """
    links = tuple(_link(network.owners.makers.get(layer), layer) for layer in layers)
    return Chain(links=links, shape=shape)


def _link(maker: Any, layer: str) -> Link:
    import keras

    stock = getattr(keras.layers, type(maker).__name__, None) is type(maker)
    if not (stock and isinstance(maker, keras.layers.Layer)):
        raise ExportFailedError(f"{layer!r} is no stock Keras layer, so it cannot be built anew from its configuration")
    try:
        config = json.loads(json.dumps(maker.get_config()))
    except (TypeError, ValueError) as error:
        raise ExportFailedError(f"the configuration of {layer!r} is no JSON: {error}") from error
    return Link(class_name=type(maker).__name__, config=_telling(type(maker), config))


def _telling(kind: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Return the entries that are not the layer's defaults and say more than how it was trained."""
    defaults = {name: one.default for name, one in inspect.signature(kind.__init__).parameters.items()}
    return {
        key: value
        for key, value in config.items()
        if key not in {"name", "trainable", "dtype"}
        and not key.endswith(("_initializer", "_regularizer", "_constraint"))
        and defaults.get(key, inspect.Parameter.empty) != value
    }


def _class(name: str) -> Any:
    import keras

    found = getattr(keras.layers, name, None)
    if found is None or not issubclass(found, keras.layers.Layer):
        raise ModelRejectedError(f"keras.layers has no layer {name!r}")
    return found
