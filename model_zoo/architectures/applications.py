"""Networks of `keras.applications`: small inputs and heads in the core tier, as published in the full one."""

from __future__ import annotations

from typing import Any

from harness.cases import Case
from model_zoo.declare import Family, Tier, image, symbolic_input

_family = Family(__name__, "architectures")


def application(name: str, size: tuple[int, int], *, as_: str, tier: Tier = Tier.CORE, **options: Any) -> Case:
    """Declare one network: `name` in `keras.applications`, image `size` as (height, width)."""
    inputs = image(*size, 3)

    def build(keras: Any) -> Any:
        return getattr(keras.applications, name)(weights=None, input_tensor=symbolic_input(keras, inputs[0]), **options)

    return _family.model(as_, inputs, build, tier=tier, tags=("keras.applications",))


CASES = (
    application("MobileNetV2", (96, 128), as_="mobilenet_v2-small", alpha=0.35, classes=10),
    application("MobileNetV2", (224, 224), as_="mobilenet_v2", tier=Tier.FULL),
    application("ResNet50", (64, 96), as_="resnet50-small", classes=10),
    application("ResNet50", (224, 224), as_="resnet50", tier=Tier.FULL),
)
