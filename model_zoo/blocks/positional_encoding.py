"""Telling a network where in a sequence a token is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model_zoo.declare import Family, Tier, tensor, tokens

_family = Family(__name__, "blocks", tier=Tier.FULL)


def angles(length: int, pairs: int) -> npt.NDArray[np.float64]:
    """Return the angles of position times frequency (Vaswani et al. 2017): shape (length, pairs)."""
    return np.asarray(np.arange(length)[:, np.newaxis] / 10_000.0 ** (np.arange(pairs) / pairs))


def sinusoidal(keras: Any, ids: Any, length: int = 9, vocabulary: int = 23, width: int = 8) -> Any:
    """Return embedded tokens plus sines and cosines (Vaswani et al. 2017)."""
    turns = angles(length, width // 2)
    waves = np.concatenate([np.sin(turns), np.cos(turns)], axis=-1).astype(np.float32)
    return keras.layers.Embedding(vocabulary, width)(ids) * width**0.5 + waves[np.newaxis]


def learned_positions(keras: Any, ids: Any, length: int = 9, vocabulary: int = 23, width: int = 8) -> Any:
    """Return embedded tokens plus embedded positions (Devlin et al. 2018), by a layer of its own."""

    class TokenAndPosition(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        """The layer of Keras's own text examples."""

        def __init__(self) -> None:
            super().__init__()
            self.tokens = keras.layers.Embedding(vocabulary, width)
            self.positions = keras.layers.Embedding(length, width)

        def build(self, input_shape: Any) -> None:
            self.tokens.build(input_shape)
            self.positions.build((length,))

        def call(self, inputs: Any) -> Any:
            return self.tokens(inputs) + self.positions(keras.ops.arange(length))

    return TokenAndPosition()(ids)


def rotary(keras: Any, x: Any, length: int = 6, width: int = 8) -> Any:
    """Return rotary positions (Su et al. 2021): halves of a query turn by an angle that grows with the position."""
    turns = angles(length, width // 2)
    cosine, sine = (np.concatenate([wave, wave], -1).astype(np.float32)[np.newaxis] for wave in _waves(turns))
    query = keras.layers.Dense(width)(x)
    turned = keras.ops.concatenate([-query[..., width // 2 :], query[..., : width // 2]], axis=-1)
    return query * cosine + turned * sine


def _waves(turns: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return np.cos(turns), np.sin(turns)


CASES = (
    _family.graph("sinusoidal_positions", tokens(9, 23), sinusoidal),
    _family.graph("learned_positions", tokens(9, 23), learned_positions, covers=("Embedding", "Layer", "ops.arange")),
    _family.graph("rotary_positions", tensor(6, 10), rotary),
)
