"""Layers that make one tensor of several."""

from model_zoo.declare import Family, Tier, image, several, tensor

_family = Family(__name__, "layers")
_TWO_IMAGES = several(image(5, 7, 3, name="left"), image(5, 7, 3, name="right"))

CASES = (
    _family.layer(
        "add/broadcast", several(image(5, 7, 3, name="left"), image(1, 1, 3, name="right")), lambda nn: nn.Add()
    ),
    _family.layer("subtract/two", _TWO_IMAGES, lambda nn: nn.Subtract(), tier=Tier.FULL),
    _family.layer("multiply/two", _TWO_IMAGES, lambda nn: nn.Multiply(), tier=Tier.FULL),
    _family.layer("average/two", _TWO_IMAGES, lambda nn: nn.Average(), tier=Tier.FULL),
    _family.layer("maximum/two", _TWO_IMAGES, lambda nn: nn.Maximum()),
    _family.layer("minimum/two", _TWO_IMAGES, lambda nn: nn.Minimum(), tier=Tier.FULL),
    _family.layer(
        "concatenate/channels",
        several(image(5, 7, 3, name="left"), image(5, 7, 2, name="right")),
        lambda nn: nn.Concatenate(),
    ),
    _family.layer(
        "concatenate/width",
        several(image(5, 7, 3, name="left"), image(5, 4, 3, name="right")),
        lambda nn: nn.Concatenate(axis=2),
        tier=Tier.FULL,
    ),
    _family.layer(
        "dot/sequences", several(tensor(6, 11, name="left"), tensor(4, 11, name="right")), lambda nn: nn.Dot(axes=2)
    ),
)
