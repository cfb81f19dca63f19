"""Convolutions: 1-D, 2-D, 3-D, depthwise, separable, transposed, grouped and dilated."""

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")

CASES = (
    _family.layer(
        "conv1d/causal-dilated", tensor(17, 5), lambda nn: nn.Conv1D(8, 3, padding="causal", dilation_rate=2)
    ),
    _family.layer(
        "conv1d/same-stride2", tensor(17, 5), lambda nn: nn.Conv1D(8, 3, strides=2, padding="same"), tier=Tier.FULL
    ),
    _family.layer("conv2d/valid-relu", image(9, 12, 5), lambda nn: nn.Conv2D(8, (3, 2), activation="relu")),
    _family.layer("conv2d/same-stride2", image(9, 12, 5), lambda nn: nn.Conv2D(8, 3, strides=2, padding="same")),
    _family.layer(
        "conv2d/same-dilated",
        image(9, 12, 5),
        lambda nn: nn.Conv2D(8, 3, dilation_rate=2, padding="same"),
        tier=Tier.FULL,
    ),
    _family.layer("conv2d/groups", image(9, 12, 6), lambda nn: nn.Conv2D(8, 3, groups=2, padding="same")),
    _family.layer("conv3d/same-stride2", tensor(5, 7, 9, 3), lambda nn: nn.Conv3D(4, 3, strides=2, padding="same")),
    _family.layer(
        "conv1d_transpose/same-stride2",
        tensor(9, 5),
        lambda nn: nn.Conv1DTranspose(8, 3, strides=2, padding="same"),
        tier=Tier.FULL,
    ),
    _family.layer(
        "conv2d_transpose/same-stride2", image(5, 7, 6), lambda nn: nn.Conv2DTranspose(4, 3, strides=2, padding="same")
    ),
    _family.layer(
        "conv2d_transpose/valid-stride2", image(5, 7, 6), lambda nn: nn.Conv2DTranspose(4, 3, strides=2), tier=Tier.FULL
    ),
    _family.layer(
        "depthwise_conv1d/same", tensor(17, 5), lambda nn: nn.DepthwiseConv1D(3, padding="same"), tier=Tier.FULL
    ),
    _family.layer(
        "depthwise_conv2d/multiplier2", image(9, 12, 5), lambda nn: nn.DepthwiseConv2D(3, depth_multiplier=2)
    ),
    _family.layer(
        "separable_conv1d/same", tensor(17, 5), lambda nn: nn.SeparableConv1D(8, 3, padding="same"), tier=Tier.FULL
    ),
    _family.layer("separable_conv2d/same", image(9, 12, 5), lambda nn: nn.SeparableConv2D(8, 3, padding="same")),
)
