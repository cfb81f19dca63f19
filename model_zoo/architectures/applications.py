"""Networks of `keras.applications`: all forty, each with a small image and head, and as published.

Those that scale pixels themselves take 0..255, the others about -1..1.
"""

from __future__ import annotations

from typing import Any

from harness.cases import Case
from model_zoo.declare import Family, Tier, image, symbolic_input, tensor

_family = Family(__name__, "architectures")
_SQUARE = (224, 224)
_SMALL = (64, 96)
_NO_SMALLER = (80, 112)
"""For the families of Inception, which refuse less than 75 pixels."""
_PIXELS = ("EfficientNet", "ConvNeXt", "MobileNetV3")
"""Begin the names of the networks whose first layer scales pixels."""
_EFFICIENTNET = {"B0": 224, "B1": 240, "B2": 260, "B3": 300, "B4": 380, "B5": 456, "B6": 528, "B7": 600}
_EFFICIENTNET_V2 = {"B0": 224, "B1": 240, "B2": 260, "B3": 300, "S": 384}


def application(name: str, size: tuple[int, int], *, as_: str, tier: Tier = Tier.FULL, **options: Any) -> Case:
    """Declare one network: `name` in `keras.applications`, image `size` as (height, width)."""
    pixels = name.startswith(_PIXELS)
    inputs = tensor(*size, 3, name="image", low=0, high=255) if pixels else image(*size, 3)

    def build(keras: Any) -> Any:
        network = getattr(keras.applications, name)
        model = network(weights=None, input_tensor=symbolic_input(keras, inputs[0]), **options)
        _normalise_as_published(keras, model)
        return model

    return _family.model(as_, inputs, build, tier=tier, tags=("keras.applications",))


def _normalise_as_published(keras: Any, model: Any) -> None:
    """Give EfficientNet's first layer the statistics of ImageNet, which it has with its published weights only."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.input_mean is None:
            layer.adapt_mean.assign((0.485, 0.456, 0.406))
            layer.adapt_variance.assign((0.229**2, 0.224**2, 0.225**2))
            layer.finalize_state()


def both(
    name: str,
    as_: str,
    size: tuple[int, int] = _SQUARE,
    *,
    small: tuple[int, int] = _SMALL,
    tier: Tier = Tier.FULL,
    **options: Any,
) -> tuple[Case, Case]:
    """Declare a network twice; `tier` and `options` are those of the small one."""
    return (
        application(name, small, as_=f"{as_}-small", tier=tier, classes=10, **options),
        application(name, size, as_=as_),
    )


_PAIRS = (
    *(both(f"ConvNeXt{size}", f"convnext_{size.lower()}") for size in ("Tiny", "Small", "Base", "Large", "XLarge")),
    *(both(f"DenseNet{depth}", f"densenet{depth}") for depth in (121, 169, 201)),
    *(both(f"EfficientNet{key}", f"efficientnet_{key.lower()}", (n, n)) for key, n in _EFFICIENTNET.items()),
    *(both(f"EfficientNetV2{key}", f"efficientnet_v2_{key.lower()}", (n, n)) for key, n in _EFFICIENTNET_V2.items()),
    both("EfficientNetV2M", "efficientnet_v2_m", (480, 480), small=(96, 128)),  # the deepest two saturate on
    both("EfficientNetV2L", "efficientnet_v2_l", (480, 480), small=(128, 160)),  # images of fewer pixels
    both("InceptionResNetV2", "inception_resnet_v2", (299, 299), small=_NO_SMALLER),
    both("InceptionV3", "inception_v3", (299, 299), small=_NO_SMALLER),
    both("MobileNet", "mobilenet", alpha=0.25),
    both("MobileNetV2", "mobilenet_v2", small=(96, 128), tier=Tier.CORE, alpha=0.35),
    both("MobileNetV3Large", "mobilenet_v3_large"),
    both("MobileNetV3Small", "mobilenet_v3_small"),
    both("NASNetLarge", "nasnet_large", (331, 331)),
    both("NASNetMobile", "nasnet_mobile"),
    both("ResNet50", "resnet50", tier=Tier.CORE),
    *(both(f"ResNet{depth}", f"resnet{depth}") for depth in (101, 152)),
    *(both(f"ResNet{depth}V2", f"resnet{depth}_v2") for depth in (50, 101, 152)),
    both("VGG16", "vgg16"),
    both("VGG19", "vgg19"),
    both("Xception", "xception", (299, 299), small=_NO_SMALLER),
)
CASES = tuple(case for pair in _PAIRS for case in pair)
