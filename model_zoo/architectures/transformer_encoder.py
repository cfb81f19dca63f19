"""A text classifier of transformer encoders (Vaswani et al. 2017, Devlin et al. 2018): token ids in."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.attention import transformer_encoder as block
from model_zoo.blocks.positional_encoding import learned_positions
from model_zoo.declare import Family, Tier, tokens

_family = Family(__name__, "architectures", tier=Tier.FULL)


def transformer_encoder(
    keras: Any, ids: Any, *, length: int, vocabulary: int, width: int, depth: int, heads: int, classes: int
) -> Any:
    """Return class probabilities of a text of `length` tokens."""
    nn = keras.layers
    x = nn.LayerNormalization(epsilon=1e-6)(learned_positions(keras, ids, length, vocabulary, width))
    for _ in range(depth):
        x = block(keras, x, width, heads, 4 * width)
    x = nn.Dropout(0.1)(nn.GlobalAveragePooling1D()(x))
    return nn.Dense(classes, activation="softmax")(nn.Dense(width, activation="tanh")(x))


CASES = (
    _family.graph(
        "transformer_encoder-small",
        tokens(10, 31),
        lambda keras, x: transformer_encoder(keras, x, length=10, vocabulary=31, width=12, depth=2, heads=3, classes=4),
        tier=Tier.CORE,
        covers=(),
    ),
    _family.graph(
        "transformer_encoder",
        tokens(128, 30_522),
        lambda keras, x: transformer_encoder(
            keras, x, length=128, vocabulary=30_522, width=256, depth=4, heads=4, classes=2
        ),
        covers=(),
    ),
)
