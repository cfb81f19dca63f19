"""Attention blocks of sequences and of images."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, Tier, image, several, tensor

_family = Family(__name__, "blocks", tier=Tier.FULL)


def transformer_encoder(keras: Any, x: Any, width: int = 12, heads: int = 3, hidden: int = 20) -> Any:
    """Return the encoder block as first published (Vaswani et al. 2017): normalised after each sum, ReLU."""
    nn = keras.layers
    attended = nn.Dropout(0.1)(nn.MultiHeadAttention(heads, width // heads)(x, x))
    x = nn.LayerNormalization(epsilon=1e-6)(nn.Add()([x, attended]))
    y = nn.Dropout(0.1)(nn.Dense(width)(nn.Dense(hidden, activation="relu")(x)))
    return nn.LayerNormalization(epsilon=1e-6)(nn.Add()([x, y]))


def transformer_decoder(keras: Any, x: Any, memory: Any, width: int = 12, heads: int = 3, hidden: int = 20) -> Any:
    """Return the decoder block (Vaswani et al. 2017): masked attention to itself, attention to the encoder."""
    nn = keras.layers
    own = nn.MultiHeadAttention(heads, width // heads)(x, x, use_causal_mask=True)
    x = nn.LayerNormalization()(nn.Add()([x, own]))
    x = nn.LayerNormalization()(nn.Add()([x, nn.MultiHeadAttention(heads, width // heads)(x, memory)]))
    y = nn.Dense(width)(nn.Dense(hidden, activation="gelu")(x))
    return nn.LayerNormalization()(nn.Add()([x, y]))


def self_attention(keras: Any, x: Any, width: int = 8) -> Any:
    """Return single-headed scaled attention written out: three projections, two products, a softmax."""
    nn, ops = keras.layers, keras.ops
    query, key, value = (nn.Dense(width, use_bias=False)(x) for _ in range(3))
    weights = ops.softmax(ops.matmul(query, ops.transpose(key, (0, 2, 1))) / width**0.5, axis=-1)
    return ops.matmul(weights, value)


def attention_pooling(keras: Any, x: Any, units: int = 6) -> Any:
    """Return the sum of a sequence, weighed by what a small network makes of each item (Yang et al. 2016)."""
    nn = keras.layers
    scores = nn.Dense(1, use_bias=False)(nn.Dense(units, activation="tanh")(x))
    return keras.ops.sum(x * nn.Softmax(axis=1)(scores), axis=1)


def non_local(keras: Any, x: Any, height: int = 5, width: int = 7, channels: int = 8) -> Any:
    """Return the non-local block (Wang et al. 2017): every place of an image attends to all others."""
    nn = keras.layers
    half, places = channels // 2, height * width
    query, key, value = (nn.Reshape((places, half))(nn.Conv2D(half, 1)(x)) for _ in range(3))
    weights = nn.Softmax()(nn.Dot(axes=(2, 2))([query, key]))
    y = nn.Reshape((height, width, half))(nn.Dot(axes=(2, 1))([weights, value]))
    return nn.Add()([x, nn.Conv2D(channels, 1)(y)])


CASES = (
    _family.graph("transformer_encoder", tensor(6, 12), transformer_encoder),
    _family.graph("transformer_decoder", several(tensor(5, 12), tensor(7, 12, name="memory")), transformer_decoder),
    _family.graph("self_attention", tensor(6, 10), self_attention),
    _family.graph("attention_pooling", tensor(6, 10), attention_pooling),
    _family.graph("non_local", image(5, 7, 8), non_local),
)
