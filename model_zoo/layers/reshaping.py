"""Layers that move values without changing them: flattening, permuting, padding, cropping, repeating, enlarging."""

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

_SEQUENCE = tensor(9, 5)
_IMAGE = image(5, 7, 3)
_IMAGE_FIRST = tensor(3, 5, 7)
_VOLUME = tensor(4, 5, 7, 3)

CASES = (
    _family.layer("flatten/image", _IMAGE, lambda nn: nn.Flatten()),
    _full.layer("flatten/channels-first", _IMAGE_FIRST, lambda nn: nn.Flatten(data_format="channels_first")),
    _full.graph(
        "flatten/conv2d-dense",
        _IMAGE,
        lambda keras, x: keras.layers.Dense(6)(keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(x))),
    ),
    _full.graph(
        "flatten/pooling-dense",
        image(9, 12, 5),
        lambda keras, x: keras.layers.Dense(6)(keras.layers.Flatten()(keras.layers.MaxPooling2D(3)(x))),
    ),
    #
    _family.layer("permute/channels-first", _IMAGE, lambda nn: nn.Permute((3, 1, 2))),
    _full.layer("permute/width-first", _IMAGE, lambda nn: nn.Permute((2, 1, 3))),
    _full.layer("permute/reversed", _IMAGE, lambda nn: nn.Permute((3, 2, 1))),
    _full.layer("permute/sequence", _SEQUENCE, lambda nn: nn.Permute((2, 1))),
    _full.layer("permute/volume", _VOLUME, lambda nn: nn.Permute((3, 1, 4, 2))),
    _full.graph(
        "permute/between-conv2d",
        _IMAGE,
        lambda keras, x: keras.layers.Conv2D(4, 3)(keras.layers.Permute((2, 1, 3))(keras.layers.Conv2D(6, 2)(x))),
    ),
    #
    _family.layer("reshape/image-to-sequence", image(5, 8, 3), lambda nn: nn.Reshape((20, 6))),
    *_full.layers(
        "reshape",
        image(5, 8, 3),
        {
            "image-to-vector": lambda nn: nn.Reshape((120,)),
            "image-to-pixels": lambda nn: nn.Reshape((40, 3)),
            "image-to-volume": lambda nn: nn.Reshape((5, 4, 2, 3)),
            "inferred": lambda nn: nn.Reshape((-1, 4)),
        },
    ),
    _full.layer("reshape/vector-to-image", tensor(60), lambda nn: nn.Reshape((4, 5, 3))),
    _full.graph(
        "reshape/dense-conv2d",
        tensor(11),
        lambda keras, x: keras.layers.Conv2D(2, 3)(keras.layers.Reshape((4, 5, 3))(keras.layers.Dense(60)(x))),
    ),
    _full.layer("repeat_vector/plain", tensor(11), lambda nn: nn.RepeatVector(3)),
    #
    _full.layer("zero_padding1d/asymmetric", _SEQUENCE, lambda nn: nn.ZeroPadding1D((1, 3))),
    _full.layer("zero_padding1d/plain", _SEQUENCE, lambda nn: nn.ZeroPadding1D(2)),
    _family.layer("zero_padding2d/asymmetric", _IMAGE, lambda nn: nn.ZeroPadding2D(((1, 0), (2, 3)))),
    _full.layer("zero_padding2d/plain", _IMAGE, lambda nn: nn.ZeroPadding2D(2)),
    _full.layer("zero_padding2d/channels-first", _IMAGE_FIRST, lambda nn: nn.ZeroPadding2D((1, 2), "channels_first")),
    _full.graph(
        "zero_padding2d/before-conv2d",
        image(9, 12, 5),
        lambda keras, x: keras.layers.Conv2D(8, 3, strides=2)(keras.layers.ZeroPadding2D(((0, 1), (0, 1)))(x)),
    ),
    _family.layer("zero_padding3d/asymmetric", _VOLUME, lambda nn: nn.ZeroPadding3D(((1, 0), (0, 2), (2, 1)))),
    #
    _family.layer("cropping1d/asymmetric", _SEQUENCE, lambda nn: nn.Cropping1D((1, 3))),
    _family.layer("cropping2d/asymmetric", image(9, 12, 5), lambda nn: nn.Cropping2D(((1, 2), (3, 0)))),
    _full.layer("cropping2d/plain", image(9, 12, 5), lambda nn: nn.Cropping2D(2)),
    _full.layer(
        "cropping2d/channels-first", tensor(3, 9, 12), lambda nn: nn.Cropping2D((1, 2), data_format="channels_first")
    ),
    _full.layer("cropping3d/asymmetric", _VOLUME, lambda nn: nn.Cropping3D(((1, 0), (0, 2), (2, 1)))),
    #
    _full.layer("up_sampling1d/plain", _SEQUENCE, lambda nn: nn.UpSampling1D(2)),
    _family.layer("up_sampling2d/nearest", _IMAGE, lambda nn: nn.UpSampling2D((2, 3))),
    _family.layer("up_sampling2d/bilinear", _IMAGE, lambda nn: nn.UpSampling2D(2, interpolation="bilinear")),
    *_full.layers(
        "up_sampling2d",
        _IMAGE,
        {
            "bicubic": lambda nn: nn.UpSampling2D(2, interpolation="bicubic"),
            "lanczos3": lambda nn: nn.UpSampling2D(2, interpolation="lanczos3"),
            "lanczos5": lambda nn: nn.UpSampling2D(2, interpolation="lanczos5"),
        },
    ),
    _full.layer("up_sampling2d/channels-first", _IMAGE_FIRST, lambda nn: nn.UpSampling2D(2, "channels_first")),
    _full.layer("up_sampling3d/plain", _VOLUME, lambda nn: nn.UpSampling3D(2)),
    _full.layer("up_sampling3d/1x2x3", _VOLUME, lambda nn: nn.UpSampling3D((1, 2, 3))),
)
