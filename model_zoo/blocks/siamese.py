"""Two inputs that are compared."""

from __future__ import annotations

from typing import Any

from model_zoo.declare import Family, Tier, image, several

_family = Family(__name__, "blocks", tier=Tier.FULL)
_PAIR = several(image(12, 17, 3, name="left"), image(12, 17, 3, name="right"))


def tower(keras: Any, width: int = 6, code: int = 8) -> Any:
    """Return a small network to be shared by both inputs: image to vector."""
    nn = keras.layers
    return keras.Sequential(
        [
            nn.Conv2D(width, 3, strides=2, activation="relu"),
            nn.Conv2D(2 * width, 3, strides=2, activation="relu"),
            nn.Flatten(),
            nn.Dense(code),
        ],
        name="tower",
    )


def siamese(keras: Any, left: Any, right: Any) -> Any:
    """Return whether two images show the same (Koch et al. 2015): shared tower, L1 distance, one logistic unit."""
    shared = tower(keras)
    distance = keras.ops.abs(keras.layers.Subtract()([shared(left), shared(right)]))
    return keras.layers.Dense(1, activation="sigmoid")(distance)


def cosine_similarity(keras: Any, left: Any, right: Any) -> Any:
    """Return the cosine of the angle between two embeddings, as face verification does (Schroff et al. 2015)."""
    shared = tower(keras)
    return keras.layers.Dot(axes=1, normalize=True)([shared(left), shared(right)])


def correlation(keras: Any, left: Any, right: Any, reach: int = 1) -> Any:
    """Return FlowNet's cost volume (Dosovitskiy et al. 2015): how well each place matches each shifted one."""
    nn, ops = keras.layers, keras.ops
    shared = nn.Conv2D(6, 3, padding="same", activation="relu")
    left, right = shared(left), nn.ZeroPadding2D(reach)(shared(right))
    costs = [
        ops.mean(left * right[:, row : row + 12, column : column + 17], axis=-1, keepdims=True)
        for row in range(2 * reach + 1)
        for column in range(2 * reach + 1)
    ]
    return nn.Concatenate()(costs)


CASES = (
    _family.graph("siamese", _PAIR, siamese),
    _family.graph("cosine_similarity", _PAIR, cosine_similarity),
    _family.graph("correlation", _PAIR, correlation),
)
