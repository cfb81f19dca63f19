"""Normalisation over batches, layers, groups and vectors."""

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")

CASES = (
    _family.layer("batch_normalization/image", image(9, 12, 5), lambda nn: nn.BatchNormalization()),
    _family.layer("batch_normalization/vector", tensor(11), lambda nn: nn.BatchNormalization(), tier=Tier.FULL),
    _family.layer("layer_normalization/last-axis", tensor(6, 11), lambda nn: nn.LayerNormalization()),
    _family.layer("group_normalization/groups3", image(5, 7, 6), lambda nn: nn.GroupNormalization(groups=3)),
    _family.layer("rms_normalization/last-axis", tensor(6, 11), lambda nn: nn.RMSNormalization(), tier=Tier.FULL),
    _family.layer("unit_normalization/last-axis", tensor(6, 11), lambda nn: nn.UnitNormalization(), tier=Tier.FULL),
    _family.layer(
        "spectral_normalization/conv2d",
        image(9, 12, 5),
        lambda nn: nn.SpectralNormalization(nn.Conv2D(8, 3)),
        tier=Tier.FULL,
    ),
)
