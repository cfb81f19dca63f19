"""Pooling: maximum and average, with padding, over one, two and three axes, and global."""

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")

CASES = (
    _family.layer(
        "max_pooling1d/same", tensor(17, 5), lambda nn: nn.MaxPooling1D(3, strides=2, padding="same"), tier=Tier.FULL
    ),
    _family.layer(
        "max_pooling2d/same-stride2", image(9, 12, 5), lambda nn: nn.MaxPooling2D(3, strides=2, padding="same")
    ),
    _family.layer("max_pooling2d/valid", image(9, 12, 5), lambda nn: nn.MaxPooling2D((2, 3)), tier=Tier.FULL),
    _family.layer(
        "average_pooling2d/same-stride2", image(9, 12, 5), lambda nn: nn.AveragePooling2D(3, strides=2, padding="same")
    ),
    _family.layer("average_pooling3d/valid", tensor(5, 7, 9, 3), lambda nn: nn.AveragePooling3D(2)),
    _family.layer(
        "global_average_pooling1d/plain", tensor(17, 5), lambda nn: nn.GlobalAveragePooling1D(), tier=Tier.FULL
    ),
    _family.layer("global_average_pooling2d/plain", image(9, 12, 5), lambda nn: nn.GlobalAveragePooling2D()),
    _family.layer("global_max_pooling2d/keepdims", image(9, 12, 5), lambda nn: nn.GlobalMaxPooling2D(keepdims=True)),
    _family.layer(
        "adaptive_average_pooling2d/uneven",
        image(9, 12, 5),
        lambda nn: nn.AdaptiveAveragePooling2D((4, 5)),
        tier=Tier.FULL,
    ),
)
