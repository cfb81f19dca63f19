"""Recurrent layers are written out while a model is traced for export, and nothing in it is assigned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.export import tracing
from harness.export.keras_models import from_model
from harness.export.tracing import MOST_STEPS, is_recurrent, unrolled, without_updates
from harness.manifests import TensorSpec

tf: Any = pytest.importorskip("tensorflow")
keras: Any = pytest.importorskip("keras")
cases: Any = pytest.importorskip("tests.unit.export.graph_cases")

LOOPS = {"While", "StatelessWhile"}
SEQUENCE, MOVIE = (5, 3), (3, 4, 6, 2)


@keras.saving.register_keras_serializable("test_tracing")
class Leaky(keras.layers.Layer):
    """A cell of a user's own, with two states."""

    state_size = (4, 4)
    output_size = 4

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], 4), name="kernel")

    def call(self, inputs: Any, states: Any) -> Any:
        new = 0.5 * states[0] + keras.ops.tanh(inputs @ self.kernel - 0.1 * states[1])
        return new, (new, states[1] + new)


LAYERS = {
    "lstm": (lambda nn: nn.LSTM(4), SEQUENCE),
    "lstm-sequences": (lambda nn: nn.LSTM(4, return_sequences=True, go_backwards=True), SEQUENCE),
    "gru": (lambda nn: nn.GRU(4, return_sequences=True), SEQUENCE),
    "gru-reset-before": (lambda nn: nn.GRU(4, reset_after=False), SEQUENCE),
    "simple": (lambda nn: nn.SimpleRNN(4), SEQUENCE),
    "bidirectional": (lambda nn: nn.Bidirectional(nn.LSTM(4, return_sequences=True)), SEQUENCE),
    "stacked-cells": (lambda nn: nn.RNN([nn.GRUCell(4), nn.LSTMCell(3)]), SEQUENCE),
    "own-cell": (lambda nn: nn.RNN(Leaky(), return_sequences=True), SEQUENCE),
    "conv-lstm": (lambda nn: nn.ConvLSTM2D(3, 2, return_sequences=True), MOVIE),
}


@pytest.fixture(autouse=True)
def fresh_names():
    yield
    keras.backend.clear_session()


def sequential(*layers: Any, shape: tuple[int, ...] = SEQUENCE, batch: int | None = None) -> Any:
    keras.utils.set_random_seed(4)
    start = keras.Input(shape, name="x") if batch is None else keras.Input(batch_shape=(batch, *shape), name="x")
    model = keras.Sequential([start, *layers])
    generator = np.random.RandomState(5)
    model.set_weights([generator.randn(*weight.shape) * 0.4 for weight in model.get_weights()])
    return model


def opened(model: Any) -> Any:
    return from_model(model, [TensorSpec(name="x", shape=(1, *model.inputs[0].shape[1:]))], ())


def values(*shape: int) -> Any:
    return np.random.RandomState(0).randn(1, *shape).astype(np.float32)


@pytest.mark.parametrize("name", LAYERS)
def test_steps_are_written_out_and_give_the_same_numbers(name):
    layer, shape = LAYERS[name]
    network = opened(sequential(layer(keras.layers), shape=shape))
    assert LOOPS & set(cases.ops(network.frozen)), "the case must have a loop"
    assert not LOOPS & set(cases.ops(network.folded))
    x = values(*shape)
    looped = cases.run(network.frozen, "output_0", x=x)
    cases.assert_same(looped, cases.run(network.folded, "output_0", x=x))
    cases.assert_same(looped, [np.asarray(network.model(x, training=False))])
    assert np.abs(looped[0]).max() > 0.01


def test_what_is_masked_is_masked_when_written_out():
    network = opened(sequential(keras.layers.Masking(), keras.layers.GRU(4)))
    x = values(*SEQUENCE)
    x[:, 2:] = 0
    assert not LOOPS & set(cases.ops(network.folded))
    written = cases.run(network.folded, "output_0", x=x)
    cases.assert_same([np.asarray(network.model(x, training=False))], written)
    x[:, 4] = 1
    assert np.abs(cases.run(network.folded, "output_0", x=x)[0] - written[0]).max() > 0.01


@pytest.mark.parametrize(("steps", "loops"), [(6, False), (7, True)])
def test_more_than_most_steps_stay_a_loop(monkeypatch, steps, loops):
    monkeypatch.setattr(tracing, "MOST_STEPS", 6)
    network = opened(sequential(keras.layers.SimpleRNN(2), shape=(steps, 3)))
    assert bool(LOOPS & set(cases.ops(network.folded))) is loops
    assert MOST_STEPS == 256


@pytest.mark.parametrize(("time_major", "steps"), [(False, 5), (True, 2)])
def test_the_axis_of_time_is_the_one_that_counts(monkeypatch, time_major, steps):
    from keras.src import backend

    monkeypatch.setattr(tracing, "MOST_STEPS", 4)
    seen: list[Any] = []
    monkeypatch.setattr(backend, "rnn", lambda *_arguments, **options: seen.append(options.get("unroll", False)))
    with unrolled():
        backend.rnn(None, tf.zeros((2, 5, 3)), [], time_major=time_major)
        backend.rnn(None, tf.keras.Input((None, 3)), [], time_major=False)
    assert seen == [steps <= 4, False]


def test_keras_is_restored_after_unrolling():
    from keras.src import backend

    original = backend.rnn
    with unrolled():
        assert backend.rnn is not original
    assert backend.rnn is original
    with pytest.raises(ZeroDivisionError), unrolled():
        raise ZeroDivisionError
    assert backend.rnn is original
    assert not opened(sequential(keras.layers.LSTM(2))).model.layers[0].unroll


@pytest.mark.parametrize(
    ("layers", "recurrent"),
    [
        pytest.param(lambda nn: [nn.Dense(2)], False, id="dense"),
        pytest.param(lambda nn: [nn.Bidirectional(nn.GRU(2))], True, id="wrapped"),
        pytest.param(lambda nn: [keras.Sequential([nn.Dense(3), nn.LSTM(2)])], True, id="nested"),
    ],
)
def test_recurrent_layers_are_found_at_any_depth(layers, recurrent):
    assert is_recurrent(sequential(*layers(keras.layers))) is recurrent


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        pytest.param(lambda nn: [nn.LSTM(4, stateful=True)], SEQUENCE, id="stateful-lstm"),
        pytest.param(lambda nn: [nn.GRU(4, stateful=True, return_sequences=True)], SEQUENCE, id="stateful-gru"),
        pytest.param(lambda nn: [nn.RandomHue(0.3, value_range=(-4, 4))], (4, 6, 3), id="random-hue"),
        pytest.param(lambda nn: [nn.MixUp(0.2)], (4, 6, 3), id="mix-up"),
    ],
)
def test_what_would_change_itself_is_frozen(layers, shape):
    model = sequential(*layers(keras.layers), shape=shape, batch=1)
    before = [variable.numpy().copy() for variable in model.variables]
    network = opened(model)
    assert not [op for op in cases.ops(network.frozen) if op.startswith(("Assign", "ReadVariable", "VarHandle"))]
    first, again = (cases.run(network.folded, "output_0", x=values(*shape)) for _ in range(2))
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, new.numpy())
    cases.assert_same(first, again)
    cases.assert_same([np.asarray(model(values(*shape), training=False))], first)


def test_variables_can_be_assigned_again_afterwards():
    variable = keras.Variable(np.zeros(2, np.float32))
    with without_updates():
        variable.assign([1.0, 2.0])
        assert variable.numpy().tolist() == [0, 0]
    with pytest.raises(ZeroDivisionError), without_updates():
        raise ZeroDivisionError
    variable.assign([3.0, 4.0])
    assert variable.numpy().tolist() == [3, 4]


@pytest.mark.parametrize(
    ("shapes", "axes"),
    [([(None, None, 3)], ((1, 2),)), ([(None, 7), (5,)], ((1,), ())), ([(4, 4, 3)], ((),))],
)
def test_axes_that_the_input_layer_leaves_open_are_told(shapes, axes):
    inputs = [keras.Input(shape) for shape in shapes]
    model = keras.Model(inputs, [keras.layers.Activation("tanh")(x) for x in inputs])
    specs = [TensorSpec(name=f"x{i}", shape=(1, *(size or 6 for size in shape))) for i, shape in enumerate(shapes)]
    assert from_model(model, specs, ()).info().open_axes == axes
