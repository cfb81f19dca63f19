"""Layers that act in training only: at inference they must be nothing at all."""

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

CASES = (
    _family.graph(
        "dropout/between-dense",
        tensor(11),
        lambda keras, x: keras.layers.Dense(5)(keras.layers.Dropout(0.4)(keras.layers.Dense(7, activation="relu")(x))),
    ),
    _full.layer("dropout/alone", tensor(11), lambda nn: nn.Dropout(0.4)),
    _full.layer("dropout/noise-shape", image(5, 7, 3), lambda nn: nn.Dropout(0.4, noise_shape=(None, 1, 1, 3))),
    _full.layer("alpha_dropout/alone", tensor(11), lambda nn: nn.AlphaDropout(0.4)),
    _full.layer("gaussian_dropout/alone", tensor(11), lambda nn: nn.GaussianDropout(0.4)),
    _full.layer("gaussian_noise/alone", image(5, 7, 3), lambda nn: nn.GaussianNoise(0.4)),
    _full.layer("spatial_dropout1d/alone", tensor(7, 3), lambda nn: nn.SpatialDropout1D(0.4)),
    _full.layer("spatial_dropout2d/alone", image(5, 7, 3), lambda nn: nn.SpatialDropout2D(0.4)),
    _full.layer("spatial_dropout3d/alone", tensor(4, 5, 7, 3), lambda nn: nn.SpatialDropout3D(0.4)),
    _full.layer("activity_regularization/alone", tensor(11), lambda nn: nn.ActivityRegularization(l2=0.1)),
    _full.graph(
        "spatial_dropout2d/between-conv2d",
        image(9, 12, 3),
        lambda keras, x: keras.layers.Conv2D(4, 3)(keras.layers.SpatialDropout2D(0.4)(keras.layers.Conv2D(5, 3)(x))),
    ),
)
