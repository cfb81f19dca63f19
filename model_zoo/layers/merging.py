"""Layers that make one tensor of several."""

from functools import partial
from typing import Any

from harness.cases import Case
from model_zoo.declare import Family, Inputs, Tier, image, several, tensor

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

_TWO_IMAGES = several(image(5, 7, 3, name="left"), image(5, 7, 3, name="right"))
_THREE_IMAGES = several(*(image(5, 7, 3, name=name) for name in ("left", "middle", "right")))
_IMAGE_AND_VECTOR = several(image(5, 7, 3, name="left"), image(1, 1, 3, name="right"))
_IMAGE_AND_PLANE = several(image(5, 7, 3, name="left"), image(5, 7, 1, name="right"))
_SEQUENCES = several(tensor(6, 11, name="left"), tensor(4, 11, name="right"))
_ELEMENTWISE = {
    "add": "Add",
    "average": "Average",
    "maximum": "Maximum",
    "minimum": "Minimum",
    "multiply": "Multiply",
    "subtract": "Subtract",
}


def _each(row: str, inputs: Inputs, names: str) -> tuple[Case, ...]:
    return tuple(_full.layer(f"{name}/{row}", inputs, partial(_merge, _ELEMENTWISE[name])) for name in names.split())


def _merge(layer: str, nn: Any) -> Any:
    return getattr(nn, layer)()


CASES = (
    _family.layer("add/broadcast", _IMAGE_AND_VECTOR, lambda nn: nn.Add()),
    _family.layer("maximum/two", _TWO_IMAGES, lambda nn: nn.Maximum()),
    _family.layer("subtract/broadcast", _IMAGE_AND_VECTOR, lambda nn: nn.Subtract()),
    *_each("two", _TWO_IMAGES, "add average minimum multiply subtract"),
    *_each("three", _THREE_IMAGES, "add average maximum multiply"),
    *_each("broadcast", _IMAGE_AND_VECTOR, "average maximum multiply"),
    *_each("broadcast-channels", _IMAGE_AND_PLANE, "add multiply subtract"),
    _full.graph("add/itself", image(5, 7, 3), lambda keras, x: keras.layers.Add()([x, x])),
    #
    _family.layer(
        "concatenate/channels",
        several(image(5, 7, 3, name="left"), image(5, 7, 2, name="right")),
        lambda nn: nn.Concatenate(),
    ),
    _full.layer(
        "concatenate/width",
        several(image(5, 7, 3, name="left"), image(5, 4, 3, name="right")),
        lambda nn: nn.Concatenate(axis=2),
    ),
    _full.layer(
        "concatenate/height",
        several(image(5, 7, 3, name="left"), image(4, 7, 3, name="right")),
        lambda nn: nn.Concatenate(axis=1),
    ),
    _full.layer("concatenate/three", _THREE_IMAGES, lambda nn: nn.Concatenate()),
    _full.layer("concatenate/sequences", _SEQUENCES, lambda nn: nn.Concatenate(axis=1)),
    #
    _family.layer("dot/sequences", _SEQUENCES, lambda nn: nn.Dot(axes=2)),
    _full.layer("dot/cosine", _SEQUENCES, lambda nn: nn.Dot(axes=2, normalize=True)),
    _full.layer(
        "dot/unlike-axes", several(tensor(6, 11, name="left"), tensor(11, 4, name="right")), lambda nn: nn.Dot((2, 1))
    ),
    _full.layer("dot/vectors", several(tensor(11, name="left"), tensor(11, name="right")), lambda nn: nn.Dot(axes=1)),
)
