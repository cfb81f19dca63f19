"""Layers that move values without changing them: flattening, permuting, padding, cropping, repeating, enlarging."""

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")

CASES = (
    _family.layer("flatten/image", image(5, 7, 3), lambda nn: nn.Flatten()),
    _family.layer("permute/width-first", image(5, 7, 3), lambda nn: nn.Permute((2, 1, 3)), tier=Tier.FULL),
    _family.layer("permute/channels-first", image(5, 7, 3), lambda nn: nn.Permute((3, 1, 2))),
    _family.layer("reshape/image-to-sequence", image(5, 8, 3), lambda nn: nn.Reshape((20, 6))),
    _family.layer("repeat_vector/plain", tensor(11), lambda nn: nn.RepeatVector(3), tier=Tier.FULL),
    _family.layer("zero_padding1d/asymmetric", tensor(9, 5), lambda nn: nn.ZeroPadding1D((1, 3)), tier=Tier.FULL),
    _family.layer("zero_padding2d/asymmetric", image(5, 7, 3), lambda nn: nn.ZeroPadding2D(((1, 0), (2, 3)))),
    _family.layer("cropping2d/asymmetric", image(9, 12, 5), lambda nn: nn.Cropping2D(((1, 2), (3, 0)))),
    _family.layer("up_sampling1d/plain", tensor(9, 5), lambda nn: nn.UpSampling1D(2), tier=Tier.FULL),
    _family.layer("up_sampling2d/nearest", image(5, 7, 3), lambda nn: nn.UpSampling2D((2, 3))),
    _family.layer("up_sampling2d/bilinear", image(5, 7, 3), lambda nn: nn.UpSampling2D(2, interpolation="bilinear")),
)
