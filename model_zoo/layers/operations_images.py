"""`keras.ops.image`: resizing in every mode and ratio, patches, colours, padding, cropping, warping."""

from functools import partial
from typing import Any

from model_zoo.declare import Family, Tier, image, several, tensor

_full = Family(__name__, "layers", tier=Tier.FULL)

_IMAGE = image(9, 12, 5)
_COLOURS = tensor(5, 7, 3, low=0, high=1)
_MODES = "nearest bilinear bicubic lanczos3 lanczos5"
_SIZES = {"double": (18, 24), "half": (4, 6), "odd": (13, 8)}


def _resize(interpolation: str, size: tuple[int, int], ops: Any, x: Any) -> Any:
    return ops.image.resize(x, size, interpolation=interpolation)


CASES = (
    *_full.operations(
        _IMAGE,
        {
            f"image-resize-{mode}-{name}": partial(_resize, mode, size)
            for mode in _MODES.split()
            for name, size in _SIZES.items()
        },
    ),
    *_full.operations(
        _IMAGE,
        {
            "image-resize-antialias": lambda ops, x: ops.image.resize(x, (4, 5), antialias=True),
            "image-resize-crop": lambda ops, x: ops.image.resize(x, (13, 8), crop_to_aspect_ratio=True),
            "image-resize-pad": lambda ops, x: ops.image.resize(x, (13, 8), pad_to_aspect_ratio=True),
            "image-extract_patches": lambda ops, x: ops.image.extract_patches(x, (3, 4)),
            "image-extract_patches-overlapping": lambda ops, x: ops.image.extract_patches(
                x, 3, strides=2, padding="same"
            ),
            "image-pad_images": lambda ops, x: ops.image.pad_images(x, 1, 2, 3, 0),
            "image-crop_images": lambda ops, x: ops.image.crop_images(x, 1, 2, 3, 0),
        },
    ),
    *_full.operations(
        _COLOURS,
        {
            "image-rgb_to_grayscale": lambda ops, x: ops.image.rgb_to_grayscale(x),
            "image-rgb_to_hsv": lambda ops, x: ops.image.rgb_to_hsv(x),
            "image-hsv_to_rgb": lambda ops, x: ops.image.hsv_to_rgb(x),
            "colours-caffe": lambda ops, x: 255 * ops.flip(x, axis=-1) - ops.array([103.9, 116.8, 123.7]),
        },
    ),
    _full.graph(
        "ops/image-resize-like",
        several(image(4, 6, 3, name="small"), image(9, 12, 3, name="large")),
        lambda keras, small, large: large + keras.ops.image.resize(small, (9, 12)),
    ),
)
