"""Chains of layers: taken out of a model, built anew, and shown as code that builds the same."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from harness.chains import code
from harness.encoding import to_json
from harness.errors import ExportFailedError, ModelRejectedError
from harness.export.keras_models import from_model
from harness.export.rebuilding import chain_of, open_chain
from harness.sources import Source, SourceKind


class Own(keras.layers.Layer):
    def call(self, x):
        return x


LAYERS = [
    ((1, 7, 9, 3), lambda: keras.layers.Conv2D(4, (2, 3), strides=2, activation="relu", name="it")),
    ((1, 3, 7, 9), lambda: keras.layers.ZeroPadding2D(((0, 1), (2, 0)), data_format="channels_first", name="it")),
    ((1, 6, 5), lambda: keras.layers.Bidirectional(keras.layers.LSTM(3), merge_mode="sum", name="it")),
    ((1, 6, 5), lambda: keras.layers.TimeDistributed(keras.layers.Dense(2), name="it")),
]


def network(shape, layer):
    x = keras.Input(batch_shape=shape)
    return from_model(keras.Model(x, layer(keras.layers.ReLU(name="before")(x))), (), ())


@pytest.mark.parametrize(("shape", "make"), LAYERS)
def test_a_layer_built_anew_is_the_same_and_so_is_its_code(shape, make):
    opened = network(shape, make())
    chain = chain_of(opened, ["before", "it"], shape)
    rebuilt = open_chain(Source(kind=SourceKind.CHAIN, location=to_json(chain)))
    names: dict = {}
    exec(code(chain), names)
    shown = names["build"]()
    assert rebuilt.interface.outputs[0].shape == opened.interface.outputs[0].shape == shown.output_shape
    assert rebuilt.parameters == opened.parameters == shown.count_params()
    (weight, *_) = [variable for variable in rebuilt.model.weights if "bias" in variable.path] or [np.ones(1)]
    assert np.abs(np.asarray(weight)).max() > 0  # conditioned: biases of zero would hide what becomes of them


def test_what_is_no_stock_layer_cannot_be_built_anew():
    with pytest.raises(ExportFailedError, match="'it' is no stock Keras layer"):
        chain_of(network((1, 4), Own(name="it")), ["it"], (1, 4))


def test_layers_that_do_not_fit_are_refused():
    chain = chain_of(network((1, 7, 9, 3), keras.layers.Conv2D(4, 5, name="it")), ["it"], (1, 2, 2, 3))
    with pytest.raises(ModelRejectedError, match="the layers do not fit"):
        open_chain(Source(kind=SourceKind.CHAIN, location=to_json(chain)))
