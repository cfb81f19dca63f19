"""Recurrent layers: sequences, states, directions, masks, cells, and convolutional recurrence."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from harness.cases import Case
from model_zoo.declare import Family, Tier, several, tensor

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)
_CORE = frozenset({"gru/sequences", "lstm/last", "simple_rnn/sequences"})

_SEQUENCE = tensor(7, 5)
_CLASSES = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "last": {},
    "sequences": {"return_sequences": True},
    "sequences-state": {"return_sequences": True, "return_state": True},
    "backwards": {"go_backwards": True, "return_sequences": True},
}
_MORE: Mapping[str, Mapping[str, Any]] = {
    "unrolled": {"unroll": True},
    "no-bias": {"use_bias": False},
    "relu": {"activation": "relu"},
    "hard-gates": {"recurrent_activation": "hard_sigmoid"},
}
_FRAMES = {1: tensor(3, 9, 2), 2: tensor(3, 5, 7, 2), 3: tensor(2, 4, 5, 6, 3)}


def _each(name: str, table: Mapping[str, Mapping[str, Any]]) -> tuple[Case, ...]:
    """Declare one recurrent layer of six units with each row's options."""
    return tuple(
        _family.layer(
            f"{name}/{row}",
            _SEQUENCE,
            partial(_recurrent, _CLASSES[name], options),
            tier=Tier.CORE if f"{name}/{row}" in _CORE else Tier.FULL,
        )
        for row, options in table.items()
    )


def _recurrent(layer: str, options: Mapping[str, Any], nn: Any) -> Any:
    return getattr(nn, layer)(6, **options)


def _masked(layer: str, keras: Any, x: Any) -> Any:
    """Skip the steps that hold nothing but zeros, as a padded sequence does; here chance decides which."""
    padded = x * keras.ops.cast(x[:, :, :1] > -0.5, "float32")
    return getattr(keras.layers, layer)(6)(keras.layers.Masking()(padded))


def _stacked(layer: str, keras: Any, x: Any) -> Any:
    return getattr(keras.layers, layer)(4)(getattr(keras.layers, layer)(6, return_sequences=True)(x))


def _stateful(layer: str, keras: Any) -> Any:
    x = keras.Input(batch_shape=_SEQUENCE[0].shape, name=_SEQUENCE[0].name)
    return keras.Model(x, getattr(keras.layers, layer)(6, stateful=True)(x))


CASES = (
    *_each("lstm", {**_OPTIONS, **_MORE}),
    *_each("gru", {**_OPTIONS, "reset-before": {"reset_after": False}}),
    *_each("simple_rnn", {row: _OPTIONS[row] for row in ("last", "sequences", "backwards")}),
    _full.graph("lstm/masked", _SEQUENCE, partial(_masked, "LSTM")),
    _full.graph("gru/masked", _SEQUENCE, partial(_masked, "GRU")),
    _full.graph("lstm/stacked", _SEQUENCE, partial(_stacked, "LSTM")),
    _full.graph("gru/stacked", _SEQUENCE, partial(_stacked, "GRU")),
    _full.model("lstm/stateful", _SEQUENCE, partial(_stateful, "LSTM"), covers=("LSTM",)),
    _full.model("gru/stateful", _SEQUENCE, partial(_stateful, "GRU"), covers=("GRU",)),
    _full.graph(
        "lstm/initial-state",
        several(_SEQUENCE, tensor(6, name="hidden"), tensor(6, name="carry")),
        lambda keras, x, hidden, carry: keras.layers.LSTM(6)(x, initial_state=[hidden, carry]),
    ),
    _full.graph(
        "gru/initial-state",
        several(_SEQUENCE, tensor(6, name="hidden")),
        lambda keras, x, hidden: keras.layers.GRU(6)(x, initial_state=hidden),
    ),
    #
    *_full.layers(
        "rnn",
        _SEQUENCE,
        {
            "lstm-cell": lambda nn: nn.RNN(nn.LSTMCell(6)),
            "gru-cell": lambda nn: nn.RNN(nn.GRUCell(6)),
            "simple-cell": lambda nn: nn.RNN(nn.SimpleRNNCell(6)),
            "sequences": lambda nn: nn.RNN(nn.LSTMCell(6), return_sequences=True),
            "list-of-cells": lambda nn: nn.RNN([nn.LSTMCell(6), nn.GRUCell(4)]),
            "stacked-cells": lambda nn: nn.RNN(nn.StackedRNNCells([nn.GRUCell(6), nn.GRUCell(4)])),
        },
    ),
    #
    _family.layer("bidirectional/lstm", _SEQUENCE, lambda nn: nn.Bidirectional(nn.LSTM(6, return_sequences=True))),
    *_full.layers(
        "bidirectional",
        _SEQUENCE,
        {
            "lstm-last": lambda nn: nn.Bidirectional(nn.LSTM(6)),
            "lstm-state": lambda nn: nn.Bidirectional(nn.LSTM(6, return_state=True)),
            "gru": lambda nn: nn.Bidirectional(nn.GRU(6, return_sequences=True)),
            "sum": lambda nn: nn.Bidirectional(nn.LSTM(6, return_sequences=True), merge_mode="sum"),
            "mul": lambda nn: nn.Bidirectional(nn.LSTM(6, return_sequences=True), merge_mode="mul"),
            "ave": lambda nn: nn.Bidirectional(nn.LSTM(6, return_sequences=True), merge_mode="ave"),
            "apart": lambda nn: nn.Bidirectional(nn.LSTM(6, return_sequences=True), merge_mode=None),
            "unlike": lambda nn: nn.Bidirectional(nn.LSTM(6), backward_layer=nn.GRU(6, go_backwards=True)),
        },
    ),
    #
    _family.layer("time_distributed/conv2d", tensor(3, 5, 7, 2), lambda nn: nn.TimeDistributed(nn.Conv2D(4, 3))),
    *_full.layers(
        "time_distributed",
        tensor(3, 5, 7, 2),
        {
            "flatten": lambda nn: nn.TimeDistributed(nn.Flatten()),
            "global-average-pooling2d": lambda nn: nn.TimeDistributed(nn.GlobalAveragePooling2D()),
            "batch-normalization": lambda nn: nn.TimeDistributed(nn.BatchNormalization()),
        },
    ),
    _full.layer("time_distributed/dense", _SEQUENCE, lambda nn: nn.TimeDistributed(nn.Dense(6))),
    _full.graph(
        "time_distributed/conv2d-lstm",
        tensor(3, 5, 7, 2),
        lambda keras, x: keras.layers.LSTM(6)(
            keras.layers.TimeDistributed(keras.layers.Flatten())(
                keras.layers.TimeDistributed(keras.layers.Conv2D(4, 3, activation="relu"))(x)
            )
        ),
    ),
    #
    _family.layer("conv_lstm2d/last", _FRAMES[2], lambda nn: nn.ConvLSTM2D(4, 3, padding="same")),
    *_full.layers(
        "conv_lstm2d",
        _FRAMES[2],
        {
            "sequences": lambda nn: nn.ConvLSTM2D(4, 3, padding="same", return_sequences=True),
            "valid-stride2": lambda nn: nn.ConvLSTM2D(4, 3, strides=2),
            "backwards": lambda nn: nn.ConvLSTM2D(4, 3, padding="same", go_backwards=True),
            "bidirectional": lambda nn: nn.Bidirectional(nn.ConvLSTM2D(4, 3, padding="same")),
        },
    ),
    _full.layer("conv_lstm1d/last", _FRAMES[1], lambda nn: nn.ConvLSTM1D(4, 3, padding="same")),
    _full.layer("conv_lstm3d/last", _FRAMES[3], lambda nn: nn.ConvLSTM3D(2, 3, padding="same")),
)
