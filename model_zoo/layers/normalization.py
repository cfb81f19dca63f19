"""Normalisation over batches, layers, groups and vectors."""

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

_VECTOR = tensor(11)
_SEQUENCE = tensor(6, 11)
_IMAGE = image(9, 12, 5)
_CHANNELS_FIRST = tensor(6, 5, 7)

CASES = (
    _family.layer("batch_normalization/image", _IMAGE, lambda nn: nn.BatchNormalization()),
    _full.layer("batch_normalization/vector", _VECTOR, lambda nn: nn.BatchNormalization()),
    _full.layer("batch_normalization/volume", tensor(4, 5, 7, 3), lambda nn: nn.BatchNormalization()),
    _full.layer("batch_normalization/channels-first", _CHANNELS_FIRST, lambda nn: nn.BatchNormalization(axis=1)),
    *_full.layers(
        "batch_normalization",
        _IMAGE,
        {
            "no-scale": lambda nn: nn.BatchNormalization(scale=False),
            "no-center": lambda nn: nn.BatchNormalization(center=False),
        },
    ),
    _full.graph(
        "batch_normalization/after-conv2d",
        _IMAGE,
        lambda keras, x: keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, use_bias=False)(x)),
    ),
    _full.graph(
        "batch_normalization/before-conv2d",
        _IMAGE,
        lambda keras, x: keras.layers.Conv2D(8, 3, padding="same")(keras.layers.BatchNormalization()(x)),
    ),
    _full.graph(
        "batch_normalization/after-dense",
        _VECTOR,
        lambda keras, x: keras.layers.BatchNormalization()(keras.layers.Dense(7)(x)),
    ),
    #
    _family.layer("layer_normalization/last-axis", _SEQUENCE, lambda nn: nn.LayerNormalization()),
    *_full.layers(
        "layer_normalization",
        _SEQUENCE,
        {
            "axis1": lambda nn: nn.LayerNormalization(axis=1),
            "both-axes": lambda nn: nn.LayerNormalization(axis=(1, 2)),
            "no-scale": lambda nn: nn.LayerNormalization(scale=False),
            "no-center": lambda nn: nn.LayerNormalization(center=False),
        },
    ),
    _full.layer("layer_normalization/image", _IMAGE, lambda nn: nn.LayerNormalization()),
    _full.layer("layer_normalization/whole-image", _IMAGE, lambda nn: nn.LayerNormalization(axis=(1, 2, 3))),
    #
    _family.layer("group_normalization/groups3", image(5, 7, 6), lambda nn: nn.GroupNormalization(groups=3)),
    *_full.layers(
        "group_normalization",
        image(5, 7, 6),
        {
            "one-group": lambda nn: nn.GroupNormalization(groups=1),
            "instance": lambda nn: nn.GroupNormalization(groups=-1),
            "no-scale": lambda nn: nn.GroupNormalization(groups=2, scale=False),
            "no-center": lambda nn: nn.GroupNormalization(groups=2, center=False),
        },
    ),
    _full.layer("group_normalization/sequence", tensor(7, 6), lambda nn: nn.GroupNormalization(groups=2)),
    _full.layer("group_normalization/channels-first", _CHANNELS_FIRST, lambda nn: nn.GroupNormalization(3, axis=1)),
    #
    _family.layer("rms_normalization/sequence", _SEQUENCE, lambda nn: nn.RMSNormalization(epsilon=1e-3)),
    _full.layer("rms_normalization/last-axis", _SEQUENCE, lambda nn: nn.RMSNormalization()),
    _full.layer("rms_normalization/image", _IMAGE, lambda nn: nn.RMSNormalization()),
    _full.layer("unit_normalization/last-axis", _SEQUENCE, lambda nn: nn.UnitNormalization()),
    _full.layer("unit_normalization/whole-image", _IMAGE, lambda nn: nn.UnitNormalization(axis=(1, 2, 3))),
    _full.layer("spectral_normalization/conv2d", _IMAGE, lambda nn: nn.SpectralNormalization(nn.Conv2D(8, 3))),
    _full.layer("spectral_normalization/dense", _VECTOR, lambda nn: nn.SpectralNormalization(nn.Dense(7))),
)
