"""Volumes as images, and recurrent layers step by step."""

from __future__ import annotations

from typing import Any

from harness.export.advice.ways import Way


def _conv3d(layer: Any) -> str | None:
    plain = layer.data_format == "channels_last" and layer.padding == "valid" and layer.groups == 1
    if not plain or any(step != 1 for step in layer.dilation_rate):
        return None
    activation = getattr(layer.activation, "__name__", "linear")
    bias = " + layer.bias" if layer.use_bias else ""
    return f"""
        kernel = layer.kernel.numpy()

        def replacement(x):
            slices = []
            for depth in range(0, x.shape[1] - {layer.kernel_size[0] - 1}, {layer.strides[0]}):
                taps = [
                    ops.conv(x[:, depth + tap], kernel[tap], strides={tuple(layer.strides[1:])}, padding="valid")
                    for tap in range({layer.kernel_size[0]})
                ]
                slices.append(ops.expand_dims(sum(taps[1:], taps[0]), 1))
            return keras.activations.{activation}(ops.concatenate(slices, axis=1){bias})
    """


def _simple_rnn(layer: Any) -> str | None:
    if layer.go_backwards or layer.return_state or layer.stateful:
        return None
    activation = layer.cell.activation.__name__
    bias = " + cell.bias" if layer.cell.use_bias else ""
    result = "ops.stack(states, axis=1)" if layer.return_sequences else "states[-1]"
    return f"""
        cell = layer.cell

        def replacement(x):
            states = []
            for step in range(x.shape[1]):
                state = ops.matmul(x[:, step], cell.kernel){bias}
                if states:
                    state = state + ops.matmul(states[-1], cell.recurrent_kernel)
                states.append(keras.activations.{activation}(state))
            return {result}
    """


def _lstm(layer: Any) -> str | None:
    if layer.go_backwards or layer.return_state or layer.stateful:
        return None
    activation, gate = layer.cell.activation.__name__, layer.cell.recurrent_activation.__name__
    bias = " + cell.bias" if layer.cell.use_bias else ""
    result = "ops.stack(states, axis=1)" if layer.return_sequences else "states[-1]"
    return f"""
        cell = layer.cell

        def replacement(x):
            states, memory = [], 0.0
            for step in range(x.shape[1]):
                z = ops.matmul(x[:, step], cell.kernel){bias}
                if states:
                    z = z + ops.matmul(states[-1], cell.recurrent_kernel)
                i, f, c, o = (z[:, n * {layer.units} : (n + 1) * {layer.units}] for n in range(4))
                new = keras.activations.{gate}(i) * keras.activations.{activation}(c)
                memory = new + keras.activations.{gate}(f) * memory if states else new
                states.append(keras.activations.{gate}(o) * keras.activations.{activation}(memory))
            return {result}
    """


def _gru(layer: Any) -> str | None:
    if layer.go_backwards or layer.return_state or layer.stateful or not layer.cell.reset_after:
        return None
    activation, gate = layer.cell.activation.__name__, layer.cell.recurrent_activation.__name__
    first, second = (" + cell.bias[0]", " + cell.bias[1]") if layer.cell.use_bias else ("", "")
    result = "ops.stack(states, axis=1)" if layer.return_sequences else "states[-1]"
    return f"""
        cell = layer.cell

        def replacement(x):
            states, state = [], x[:, 0, :1] * np.zeros((1, {layer.units}), "float32")
            for step in range(x.shape[1]):
                given = ops.matmul(x[:, step], cell.kernel){first}
                kept = ops.matmul(state, cell.recurrent_kernel){second}
                u, r, h = ((given[:, n * {layer.units} : (n + 1) * {layer.units}],
                            kept[:, n * {layer.units} : (n + 1) * {layer.units}]) for n in range(3))
                update = keras.activations.{gate}(u[0] + u[1])
                fresh = keras.activations.{activation}(h[0] + keras.activations.{gate}(r[0] + r[1]) * h[1])
                state = update * state + (1.0 - update) * fresh
                states.append(state)
            return {result}
    """


WAYS = (
    Way(
        name="volumes/conv3d-as-conv2d",
        says="add up 2-D convolutions, one for each tap along the depth",
        of=("Conv3D",),
        code=_conv3d,
    ),
    Way(name="recurrent/simple-rnn-unrolled", says="write the steps out", of=("SimpleRNN",), code=_simple_rnn),
    Way(name="recurrent/lstm-unrolled", says="write the steps out", of=("LSTM",), code=_lstm),
    Way(name="recurrent/gru-unrolled", says="write the steps out", of=("GRU",), code=_gru),
)
