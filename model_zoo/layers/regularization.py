"""Layers that act in training only: at inference they must be nothing at all."""

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")

CASES = (
    _family.graph(
        "dropout/between-dense",
        tensor(11),
        lambda keras, x: keras.layers.Dense(5)(keras.layers.Dropout(0.4)(keras.layers.Dense(7, activation="relu")(x))),
    ),
    _family.layer("spatial_dropout2d/alone", image(5, 7, 3), lambda nn: nn.SpatialDropout2D(0.4), tier=Tier.FULL),
    _family.layer("gaussian_noise/alone", image(5, 7, 3), lambda nn: nn.GaussianNoise(0.4), tier=Tier.FULL),
)
