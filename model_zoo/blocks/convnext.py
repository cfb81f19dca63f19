"""ConvNeXt's blocks: a transformer's shape made of convolutions."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)
_COVERED = ("Dense", "DepthwiseConv2D", "Layer", "LayerNormalization")


def layer_scale(keras: Any) -> Any:
    """Return a learned factor for each channel (Touvron et al. 2021)."""

    class LayerScale(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        """Starts near zero, so that a block is the identity at first."""

        def build(self, input_shape: Any) -> None:
            start = keras.initializers.Constant(1e-6)
            self.gamma = self.add_weight(shape=(input_shape[-1],), initializer=start, name="gamma")

        def call(self, inputs: Any) -> Any:
            return inputs * self.gamma

    return LayerScale()


def global_response_normalization(keras: Any) -> Any:
    """Return GRN (Woo et al. 2023): each channel relative to the norms of all."""
    ops = keras.ops

    class GlobalResponseNormalization(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        """Takes and gives (batch, height, width, channels)."""

        def build(self, input_shape: Any) -> None:
            shape = (1, 1, 1, input_shape[-1])
            self.gamma = self.add_weight(shape=shape, initializer="zeros", name="gamma")
            self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")

        def call(self, inputs: Any) -> Any:
            norms = ops.sqrt(ops.sum(ops.square(inputs), axis=(1, 2), keepdims=True))
            relative = norms / (ops.mean(norms, axis=-1, keepdims=True) + 1e-6)
            return self.gamma * (inputs * relative) + self.beta + inputs

    return GlobalResponseNormalization()


def convnext_block(keras: Any, x: Any, width: int = 8) -> Any:
    """Return ConvNeXt's block (Liu et al. 2022)."""
    nn = keras.layers
    y = nn.LayerNormalization(epsilon=1e-6)(nn.DepthwiseConv2D(7, padding="same")(x))
    y = nn.Dense(width)(nn.Dense(4 * width, activation="gelu")(y))
    return nn.Add()([x, layer_scale(keras)(y)])


def convnext_v2_block(keras: Any, x: Any, width: int = 8) -> Any:
    """Return ConvNeXt V2's block (Woo et al. 2023)."""
    nn = keras.layers
    y = nn.LayerNormalization(epsilon=1e-6)(nn.DepthwiseConv2D(7, padding="same")(x))
    y = global_response_normalization(keras)(nn.Dense(4 * width, activation="gelu")(y))
    return nn.Add()([x, nn.Dense(width)(y)])


CASES = (
    _family.graph("convnext", image(9, 14, 8), convnext_block, covers=_COVERED),
    _family.graph(
        "convnext_v2",
        image(9, 14, 8),
        convnext_v2_block,
        covers=(*_COVERED, "ops.mean", "ops.sqrt", "ops.square", "ops.sum"),
    ),
)
