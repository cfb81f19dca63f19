"""Heads that place an image on the unit sphere."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "blocks", tier=Tier.FULL)


def unit_embedding(keras: Any, x: Any, code: int = 9) -> Any:
    """Return FaceNet's embedding (Schroff et al. 2015): mean features, projected, of length 1."""
    nn = keras.layers
    x = nn.Dense(code, use_bias=False)(nn.Dropout(0.2)(nn.GlobalAveragePooling2D()(x)))
    return nn.UnitNormalization()(nn.BatchNormalization(scale=False)(x))


def arc_face(keras: Any, x: Any, classes: int = 7, scale: float = 16.0) -> Any:
    """Return ArcFace's logits at inference (Deng et al. 2018): scaled cosines between an embedding and the classes."""
    ops = keras.ops

    class CosineLogits(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        """Has one direction for each class."""

        def build(self, input_shape: Any) -> None:
            self.centres = self.add_weight(shape=(input_shape[-1], classes), name="centres")

        def call(self, inputs: Any) -> Any:
            return scale * ops.matmul(ops.normalize(inputs, axis=-1), ops.normalize(self.centres, axis=0))

    return CosineLogits()(keras.layers.Dense(9)(x))


CASES = (
    _family.graph("unit_embedding", image(5, 7, 12), unit_embedding),
    _family.graph("arc_face", tensor(11), arc_face, covers=("Dense", "Layer", "ops.matmul", "ops.normalize")),
)
