"""Shifted-window transformers (Liu et al. 2021): attention inside windows of an image, which move every other block."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)
_COVERED = ("Dense", "Layer", "LayerNormalization", "ops.matmul", "ops.softmax", "ops.take", "ops.transpose")


def to_windows(keras: Any, x: Any, size: tuple[int, int], window: int, width: int) -> Any:
    """Cut an image of `size` and `width` channels into windows: (batch * windows, window**2, width)."""
    ops = keras.ops
    x = ops.reshape(x, (-1, size[0] // window, window, size[1] // window, window, width))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, window * window, width))


def from_windows(keras: Any, x: Any, size: tuple[int, int], window: int, width: int) -> Any:
    """Join the windows again: (batch, height, width of the image, width)."""
    ops = keras.ops
    x = ops.reshape(x, (-1, size[0] // window, size[1] // window, window, window, width))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, *size, width))


def swin_block(
    keras: Any, x: Any, size: tuple[int, int], *, width: int, heads: int = 2, window: int = 4, shift: int = 0
) -> Any:
    """Return one block; `shift` moves the windows, and what was not adjacent before the shift is masked."""
    nn, ops = keras.layers, keras.ops
    y = nn.LayerNormalization(epsilon=1e-5)(x)
    if shift:
        y = ops.roll(y, (-shift, -shift), axis=(1, 2))
    mask = _mask(size, window, shift) if shift else None
    y = window_attention(keras, width, heads, window, mask)(to_windows(keras, y, size, window, width))
    y = from_windows(keras, y, size, window, width)
    if shift:
        y = ops.roll(y, (shift, shift), axis=(1, 2))
    x = nn.Add()([x, y])
    y = nn.Dense(4 * width, activation="gelu")(nn.LayerNormalization(epsilon=1e-5)(x))
    return nn.Add()([x, nn.Dense(width)(y)])


def window_attention(keras: Any, width: int, heads: int, window: int, mask: npt.NDArray[np.float32] | None) -> Any:
    """Return the attention layer: (batch * windows, places, width) to the same shape."""
    ops = keras.ops
    places, depth = window * window, width // heads

    class WindowAttention(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        """Multi-head attention with a learned bias for each relative position."""

        def __init__(self) -> None:
            super().__init__()
            self.qkv = keras.layers.Dense(3 * width)
            self.project = keras.layers.Dense(width)

        def build(self, input_shape: Any) -> None:
            self.qkv.build(input_shape)
            self.project.build(input_shape)
            shape = ((2 * window - 1) ** 2, heads)
            self.table = self.add_weight(shape=shape, initializer="zeros", name="relative_position_bias_table")

        def call(self, inputs: Any) -> Any:
            qkv = ops.transpose(ops.reshape(self.qkv(inputs), (-1, places, 3, heads, depth)), (2, 0, 3, 1, 4))
            scores = ops.matmul(qkv[0] * depth**-0.5, ops.transpose(qkv[1], (0, 1, 3, 2))) + self.bias()
            if mask is not None:
                scores = ops.reshape(scores, (-1, len(mask), heads, places, places)) + mask[:, np.newaxis]
                scores = ops.reshape(scores, (-1, heads, places, places))
            y = ops.transpose(ops.matmul(ops.softmax(scores, axis=-1), qkv[2]), (0, 2, 1, 3))
            return self.project(ops.reshape(y, (-1, places, width)))

        def bias(self) -> Any:
            chosen = ops.take(self.table, _relative_positions(window).reshape(-1), axis=0)
            return ops.transpose(ops.reshape(chosen, (places, places, heads)), (2, 0, 1))

    return WindowAttention()


def _relative_positions(window: int) -> npt.NDArray[np.int32]:
    """Return for each pair of places in a window the row of the table that belongs to their distance."""
    places = np.stack(np.meshgrid(np.arange(window), np.arange(window), indexing="ij"), axis=-1).reshape(-1, 2)
    distances = places[:, np.newaxis] - places[np.newaxis] + window - 1
    return np.asarray(distances @ [2 * window - 1, 1], np.int32)


def _mask(size: tuple[int, int], window: int, shift: int) -> npt.NDArray[np.float32]:
    """Return -100 where two places of a window come from opposite borders: (windows, places, places)."""
    regions = [np.digitize(np.arange(length), [length - window, length - shift]) for length in size]
    region = 3 * regions[0][:, np.newaxis] + regions[1]
    cells = region.reshape(size[0] // window, window, size[1] // window, window)
    cut = cells.swapaxes(1, 2).reshape(-1, window * window)
    return np.where(cut[:, np.newaxis] == cut[:, :, np.newaxis], 0, -100).astype(np.float32)


def patch_merging(keras: Any, x: Any, width: int = 10) -> Any:
    """Return half the size and other channels: four neighbours side by side, normalised, projected."""
    nn = keras.layers
    neighbours = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
    y = nn.LayerNormalization(epsilon=1e-5)(nn.Concatenate()(neighbours))
    return nn.Dense(width, use_bias=False)(y)


CASES = (
    _family.graph("swin", image(8, 12, 6), lambda keras, x: swin_block(keras, x, (8, 12), width=6), covers=_COVERED),
    _family.graph(
        "swin_shifted",
        image(8, 12, 6),
        lambda keras, x: swin_block(keras, x, (8, 12), width=6, shift=2),
        covers=(*_COVERED, "ops.roll"),
    ),
    _family.graph("patch_merging", image(8, 12, 5), patch_merging),
)
