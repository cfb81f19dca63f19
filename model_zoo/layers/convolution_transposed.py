"""Transposed convolutions over one, two and three axes: strides, padding, output padding, dilation, layouts."""

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

_SEQUENCE = tensor(9, 5)
_IMAGE = image(5, 7, 6)
_VOLUME = tensor(4, 5, 7, 3)

CASES = (
    _family.layer("conv1d_transpose/valid-stride2", _SEQUENCE, lambda nn: nn.Conv1DTranspose(8, 3, strides=2)),
    *_full.layers(
        "conv1d_transpose",
        _SEQUENCE,
        {
            "valid": lambda nn: nn.Conv1DTranspose(8, 3),
            "valid-dilated": lambda nn: nn.Conv1DTranspose(8, 3, dilation_rate=2),
            "same": lambda nn: nn.Conv1DTranspose(8, 3, padding="same"),
            "same-stride2": lambda nn: nn.Conv1DTranspose(8, 3, strides=2, padding="same"),
            "output-padding": lambda nn: nn.Conv1DTranspose(8, 3, strides=2, output_padding=1),
            "no-bias": lambda nn: nn.Conv1DTranspose(8, 3, use_bias=False),
        },
    ),
    _family.layer(
        "conv2d_transpose/same-stride2", _IMAGE, lambda nn: nn.Conv2DTranspose(4, 3, strides=2, padding="same")
    ),
    *_full.layers(
        "conv2d_transpose",
        _IMAGE,
        {
            "valid": lambda nn: nn.Conv2DTranspose(4, (3, 2)),
            "valid-stride2": lambda nn: nn.Conv2DTranspose(4, 3, strides=2),
            "valid-kernel2-stride2": lambda nn: nn.Conv2DTranspose(4, 2, strides=2),
            "valid-dilated": lambda nn: nn.Conv2DTranspose(4, 3, dilation_rate=2),
            "same": lambda nn: nn.Conv2DTranspose(4, 3, padding="same"),
            "same-kernel4-stride2": lambda nn: nn.Conv2DTranspose(4, 4, strides=2, padding="same"),
            "same-dilated": lambda nn: nn.Conv2DTranspose(4, 3, dilation_rate=2, padding="same"),
            "output-padding-valid": lambda nn: nn.Conv2DTranspose(4, 3, strides=2, output_padding=1),
            "output-padding-same": lambda nn: nn.Conv2DTranspose(
                4, 3, strides=2, padding="same", output_padding=(0, 1)
            ),
            "no-bias": lambda nn: nn.Conv2DTranspose(4, 3, use_bias=False),
            "relu": lambda nn: nn.Conv2DTranspose(4, 3, strides=2, activation="relu"),
        },
    ),
    _full.layer(
        "conv2d_transpose/channels-first",
        tensor(6, 5, 7),
        lambda nn: nn.Conv2DTranspose(4, 3, strides=2, data_format="channels_first"),
    ),
    #
    _family.layer("conv3d_transpose/valid-stride2", _VOLUME, lambda nn: nn.Conv3DTranspose(2, 3, strides=2)),
    *_full.layers(
        "conv3d_transpose",
        _VOLUME,
        {
            "valid": lambda nn: nn.Conv3DTranspose(2, (1, 3, 2)),
            "same-stride2": lambda nn: nn.Conv3DTranspose(2, 3, strides=2, padding="same"),
            "output-padding": lambda nn: nn.Conv3DTranspose(2, 3, strides=2, output_padding=1),
            "no-bias": lambda nn: nn.Conv3DTranspose(2, 3, use_bias=False),
        },
    ),
)
