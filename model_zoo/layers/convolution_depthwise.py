"""Depthwise and separable convolutions: multipliers, strides, padding, dilation, layouts."""

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

_SEQUENCE = tensor(17, 5)
_IMAGE = image(9, 12, 5)
_CHANNELS_FIRST = tensor(5, 9, 12)

CASES = (
    _family.layer("depthwise_conv1d/valid", _SEQUENCE, lambda nn: nn.DepthwiseConv1D(3)),
    *_full.layers(
        "depthwise_conv1d",
        _SEQUENCE,
        {
            "same": lambda nn: nn.DepthwiseConv1D(3, padding="same"),
            "same-stride2": lambda nn: nn.DepthwiseConv1D(3, strides=2, padding="same"),
            "multiplier2": lambda nn: nn.DepthwiseConv1D(3, depth_multiplier=2),
        },
    ),
    _family.layer("depthwise_conv2d/multiplier2", _IMAGE, lambda nn: nn.DepthwiseConv2D(3, depth_multiplier=2)),
    *_full.layers(
        "depthwise_conv2d",
        _IMAGE,
        {
            "valid": lambda nn: nn.DepthwiseConv2D((3, 2)),
            "valid-stride2": lambda nn: nn.DepthwiseConv2D(3, strides=2),
            "same": lambda nn: nn.DepthwiseConv2D(3, padding="same"),
            "same-stride2": lambda nn: nn.DepthwiseConv2D(3, strides=2, padding="same"),
            "same-dilated": lambda nn: nn.DepthwiseConv2D(3, dilation_rate=2, padding="same"),
            "relu6": lambda nn: nn.DepthwiseConv2D(3, activation="relu6"),
        },
    ),
    _full.layer("depthwise_conv2d/one-channel", image(9, 12, 1), lambda nn: nn.DepthwiseConv2D(3)),
    _full.layer(
        "depthwise_conv2d/channels-first",
        _CHANNELS_FIRST,
        lambda nn: nn.DepthwiseConv2D(3, data_format="channels_first"),
    ),
    #
    *_full.layers(
        "separable_conv1d",
        _SEQUENCE,
        {
            "valid": lambda nn: nn.SeparableConv1D(8, 3),
            "same": lambda nn: nn.SeparableConv1D(8, 3, padding="same"),
            "same-stride2": lambda nn: nn.SeparableConv1D(8, 3, strides=2, padding="same"),
            "multiplier2": lambda nn: nn.SeparableConv1D(8, 3, depth_multiplier=2),
        },
    ),
    _family.layer("separable_conv2d/same", _IMAGE, lambda nn: nn.SeparableConv2D(8, 3, padding="same")),
    *_full.layers(
        "separable_conv2d",
        _IMAGE,
        {
            "valid": lambda nn: nn.SeparableConv2D(8, (3, 2)),
            "same-stride2": lambda nn: nn.SeparableConv2D(8, 3, strides=2, padding="same"),
            "same-dilated": lambda nn: nn.SeparableConv2D(8, 3, dilation_rate=2, padding="same"),
            "multiplier2": lambda nn: nn.SeparableConv2D(8, 3, depth_multiplier=2),
            "relu-no-bias": lambda nn: nn.SeparableConv2D(8, 3, activation="relu", use_bias=False),
        },
    ),
)
