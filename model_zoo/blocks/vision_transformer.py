"""The parts of vision transformers."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "blocks", tier=Tier.FULL)


def patch_embedding(keras: Any, x: Any, patch: int = 4, width: int = 10) -> Any:
    """Return ViT's input (Dosovitskiy et al. 2020): projected patches behind a class token, plus positions."""
    ops = keras.ops
    count = (x.shape[1] // patch) * (x.shape[2] // patch)

    class PatchEmbedding(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        """Owns what has no layer in Keras: the class token and the positions."""

        def __init__(self) -> None:
            super().__init__()
            self.project = keras.layers.Conv2D(width, patch, strides=patch)

        def build(self, input_shape: Any) -> None:
            self.project.build(input_shape)
            self.token = self.add_weight(shape=(1, 1, width), initializer="zeros", name="class_token")
            self.positions = self.add_weight(shape=(1, count + 1, width), initializer="zeros", name="positions")

        def call(self, inputs: Any) -> Any:
            patches = ops.reshape(self.project(inputs), (-1, count, width))
            token = ops.broadcast_to(self.token, (ops.shape(patches)[0], 1, width))
            return ops.concatenate([token, patches], axis=1) + self.positions

    return PatchEmbedding()(x)


def vit_block(keras: Any, x: Any, width: int = 12, heads: int = 3, hidden: int = 20) -> Any:
    """Return ViT's encoder block (Dosovitskiy et al. 2020): normalised before attention and before the MLP, GELU."""
    nn = keras.layers
    y = nn.LayerNormalization(epsilon=1e-6)(x)
    x = nn.Add()([x, nn.MultiHeadAttention(heads, width // heads, dropout=0.1)(y, y)])
    y = nn.Dense(hidden, activation="gelu")(nn.LayerNormalization(epsilon=1e-6)(x))
    return nn.Add()([x, nn.Dense(width)(nn.Dropout(0.1)(y))])


CASES = (
    _family.graph(
        "patch_embedding",
        image(8, 12, 3),
        patch_embedding,
        covers=("Conv2D", "Layer", "ops.broadcast_to", "ops.concatenate", "ops.reshape"),
    ),
    _family.graph("vit_block", tensor(6, 12), vit_block),
)
