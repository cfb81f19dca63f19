"""Preprocessing that is part of the model: scaling, resizing, cropping, binning, spectra; augmentation, which rests."""

from functools import partial
from typing import Any

from harness.cases import Case
from model_zoo.declare import Family, Tier, image, tensor, tokens

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

_PIXELS = tensor(9, 12, 3, name="pixels", low=0, high=255)
_SIGNAL, _STEREO = tensor(96, name="signal"), tensor(96, 2, name="signal")
_AUGMENTATIONS: dict[str, Any] = {
    "aug_mix": lambda nn: nn.AugMix(),
    "cut_mix": lambda nn: nn.CutMix(),
    "mix_up": lambda nn: nn.MixUp(),
    "rand_augment": lambda nn: nn.RandAugment(),
    "random_brightness": lambda nn: nn.RandomBrightness(0.3),
    "random_color_degeneration": lambda nn: nn.RandomColorDegeneration(0.3),
    "random_color_jitter": lambda nn: nn.RandomColorJitter(brightness_factor=0.3, hue_factor=0.3),
    "random_contrast": lambda nn: nn.RandomContrast(0.3),
    "random_elastic_transform": lambda nn: nn.RandomElasticTransform(),
    "random_erasing": lambda nn: nn.RandomErasing(),
    "random_flip": lambda nn: nn.RandomFlip(),
    "random_gaussian_blur": lambda nn: nn.RandomGaussianBlur(),
    "random_grayscale": lambda nn: nn.RandomGrayscale(),
    "random_hue": lambda nn: nn.RandomHue(0.3),
    "random_invert": lambda nn: nn.RandomInvert(),
    "random_perspective": lambda nn: nn.RandomPerspective(),
    "random_posterization": lambda nn: nn.RandomPosterization(4),
    "random_rotation": lambda nn: nn.RandomRotation(0.3),
    "random_saturation": lambda nn: nn.RandomSaturation(0.3),
    "random_sharpness": lambda nn: nn.RandomSharpness(0.3),
    "random_shear": lambda nn: nn.RandomShear(0.3, 0.3),
    "random_translation": lambda nn: nn.RandomTranslation(0.3, 0.3),
    "random_zoom": lambda nn: nn.RandomZoom(0.3),
    "solarization": lambda nn: nn.Solarization(),
    "equalization": lambda nn: nn.Equalization(),
}


def _resting(name: str, layer_of: Any) -> Case:
    """Declare an augmentation where users put it: before the scaling. At inference it must be nothing at all."""

    def scaled(keras: Any, pixels: Any) -> Any:
        return keras.layers.Rescaling(1 / 127.5, offset=-1)(layer_of(keras.layers)(pixels))

    return _full.graph(f"{name}/resting", _PIXELS, scaled)


def _spectrogram(mode: str, nn: Any) -> Any:
    return nn.STFTSpectrogram(mode, frame_length=16, frame_step=10, fft_length=32)


CASES = (
    _family.layer("rescaling/pixels", _PIXELS, lambda nn: nn.Rescaling(1 / 127.5, offset=-1)),
    _full.layer("rescaling/no-offset", _PIXELS, lambda nn: nn.Rescaling(1 / 255)),
    _full.layer("rescaling/per-channel", _PIXELS, lambda nn: nn.Rescaling([0.01, 0.02, 0.03], offset=[-1, 0.5, 2])),
    _family.layer(
        "normalization/per-channel",
        image(5, 7, 3),
        lambda nn: nn.Normalization(mean=[0.3, -0.2, 0.1], variance=[0.5, 1.5, 0.8]),
    ),
    *_full.layers(
        "normalization",
        image(5, 7, 3),
        {
            "inverted": lambda nn: nn.Normalization(mean=[0.3, -0.2, 0.1], variance=[0.5, 1.5, 0.8], invert=True),
            "per-row": lambda nn: nn.Normalization(axis=1, mean=[0.3, -0.2, 0.1, 0, 1], variance=[0.5, 1, 0.8, 2, 4]),
        },
    ),
    _full.layer(
        "normalization/vector", tensor(3), lambda nn: nn.Normalization(mean=[0.3, -0.2, 0.1], variance=[1, 2, 3])
    ),
    #
    _family.layer("resizing/bilinear", image(9, 12, 3), lambda nn: nn.Resizing(13, 8)),
    *_full.layers(
        "resizing",
        image(9, 12, 3),
        {
            "nearest": lambda nn: nn.Resizing(13, 8, "nearest"),
            "bicubic": lambda nn: nn.Resizing(13, 8, "bicubic"),
            "lanczos3": lambda nn: nn.Resizing(13, 8, "lanczos3"),
            "bilinear-double": lambda nn: nn.Resizing(18, 24),
            "bilinear-antialias": lambda nn: nn.Resizing(4, 5, antialias=True),
            "crop-to-aspect": lambda nn: nn.Resizing(13, 8, crop_to_aspect_ratio=True),
            "pad-to-aspect": lambda nn: nn.Resizing(13, 8, pad_to_aspect_ratio=True),
        },
    ),
    _full.layer(
        "resizing/channels-first", tensor(3, 9, 12), lambda nn: nn.Resizing(13, 8, data_format="channels_first")
    ),
    _full.layer("center_crop/plain", image(9, 12, 3), lambda nn: nn.CenterCrop(4, 6)),
    _full.layer("center_crop/enlarging", image(9, 12, 3), lambda nn: nn.CenterCrop(13, 8)),
    _full.layer("random_crop/resting", _PIXELS, lambda nn: nn.RandomCrop(4, 7)),
    *(_resting(name, layer_of) for name, layer_of in _AUGMENTATIONS.items()),
    _full.layer("auto_contrast/pixels", _PIXELS, lambda nn: nn.AutoContrast()),
    _full.layer(
        "contrast_limited_adaptive_histogram_equalization/pixels",
        _PIXELS,
        lambda nn: nn.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(3, 4)),
    ),
    _full.layer("pipeline/scaled-crop", _PIXELS, lambda nn: nn.Pipeline([nn.Rescaling(1 / 255), nn.CenterCrop(4, 6)])),
    #
    *_full.layers(
        "category_encoding",
        tokens(7, 5),
        {
            "multi-hot": lambda nn: nn.CategoryEncoding(5),
            "one-hot": lambda nn: nn.CategoryEncoding(5, output_mode="one_hot"),
            "count": lambda nn: nn.CategoryEncoding(5, output_mode="count"),
        },
    ),
    *_full.layers(
        "discretization",
        tensor(11),
        {
            "bins": lambda nn: nn.Discretization([-0.5, 0.0, 0.25, 0.5]),
            "one-hot": lambda nn: nn.Discretization([-0.5, 0.0, 0.25, 0.5], output_mode="one_hot"),
            "multi-hot": lambda nn: nn.Discretization([-0.5, 0.0, 0.25, 0.5], output_mode="multi_hot"),
        },
    ),
    _full.layer(
        "integer_lookup/vocabulary", tokens(7, 9), lambda nn: nn.IntegerLookup(vocabulary=[3, 1, 4, 5, 9, 2, 6])
    ),
    #
    *_full.layers(
        "stft_spectrogram",
        _STEREO,
        {mode: partial(_spectrogram, mode) for mode in ("log", "magnitude", "psd")},
    ),
    _full.layer(
        "stft_spectrogram/as-image",
        _STEREO,
        lambda nn: nn.STFTSpectrogram("magnitude", 16, 10, 32, window="hamming", padding="same", expand_dims=True),
    ),
    *_full.layers(
        "mel_spectrogram",
        _SIGNAL,
        {
            "decibels": lambda nn: nn.MelSpectrogram(fft_length=32, sequence_stride=10, num_mel_bins=6),
            "power": lambda nn: nn.MelSpectrogram(fft_length=32, sequence_stride=10, num_mel_bins=6, power_to_db=False),
        },
    ),
)
