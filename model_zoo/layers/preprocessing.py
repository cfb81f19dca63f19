"""Preprocessing that is part of the model: scaling, normalising, resizing, cropping of images."""

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")
_PIXELS = tensor(9, 12, 3, name="pixels", low=0, high=255)

CASES = (
    _family.layer("rescaling/pixels", _PIXELS, lambda nn: nn.Rescaling(1 / 127.5, offset=-1)),
    _family.layer(
        "normalization/per-channel",
        image(5, 7, 3),
        lambda nn: nn.Normalization(mean=[0.3, -0.2, 0.1], variance=[0.5, 1.5, 0.8]),
    ),
    _family.layer("resizing/bilinear", image(9, 12, 3), lambda nn: nn.Resizing(13, 8)),
    _family.layer("resizing/nearest", image(9, 12, 3), lambda nn: nn.Resizing(13, 8, "nearest"), tier=Tier.FULL),
    _family.layer("center_crop/plain", image(9, 12, 3), lambda nn: nn.CenterCrop(4, 6), tier=Tier.FULL),
)
