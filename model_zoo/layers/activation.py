"""Activations: the layers, and every function of `keras.activations`, by name and by call."""

from functools import partial
from typing import Any

from harness.cases import Case
from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

_IMAGE = image(5, 7, 3)
_SEQUENCE = tensor(6, 11)
_CORE_FUNCTIONS = "gelu swish hard_sigmoid"
_MORE_FUNCTIONS = (
    "celu elu exponential hard_shrink hard_silu hard_tanh leaky_relu linear log_sigmoid log_softmax mish relu relu6 "
    "selu sigmoid soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus tanh "
    "tanh_shrink"
)


def _activation(name: str, nn: Any) -> Any:
    return nn.Activation(name)


def _named(family: Family, names: str) -> tuple[Case, ...]:
    return tuple(
        family.layer(
            f"activation/{name}", _IMAGE, partial(_activation, name), covers=("Activation", f"activations.{name}")
        )
        for name in names.split()
    )


CASES = (
    _family.layer("relu/capped-leaky", _IMAGE, lambda nn: nn.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.25)),
    _full.layer("relu/capped", _IMAGE, lambda nn: nn.ReLU(max_value=0.5)),
    _full.layer("relu/threshold", _IMAGE, lambda nn: nn.ReLU(threshold=0.25)),
    _full.layer("relu/slope", _IMAGE, lambda nn: nn.ReLU(negative_slope=0.1)),
    _family.layer("leaky_relu/slope", _IMAGE, lambda nn: nn.LeakyReLU(negative_slope=0.2)),
    _full.layer("leaky_relu/plain", _IMAGE, lambda nn: nn.LeakyReLU()),
    _family.layer("prelu/shared-axes", _IMAGE, lambda nn: nn.PReLU(shared_axes=[1, 2])),
    _full.layer("prelu/vector", tensor(11), lambda nn: nn.PReLU()),
    _full.layer("prelu/unshared", _IMAGE, lambda nn: nn.PReLU()),
    _family.layer("elu/alpha", _IMAGE, lambda nn: nn.ELU(alpha=0.7)),
    _family.layer("softmax/axis1", _SEQUENCE, lambda nn: nn.Softmax(axis=1)),
    _full.layer("softmax/last-axis", _SEQUENCE, lambda nn: nn.Softmax()),
    _full.layer("softmax/vector", tensor(11), lambda nn: nn.Softmax()),
    _full.layer("softmax/image-height", _IMAGE, lambda nn: nn.Softmax(axis=1)),
    _full.layer("softmax/image-plane", _IMAGE, lambda nn: nn.Softmax(axis=(1, 2))),
    _full.graph("softmax/masked", _SEQUENCE, lambda keras, x: keras.layers.Softmax()(x, mask=x > -0.5)),
    *_named(_family, _CORE_FUNCTIONS),
    *_named(_full, _MORE_FUNCTIONS),
    *_full.graphs(
        "activations",
        image(5, 7, 4),
        {
            "glu": lambda keras, x: keras.activations.glu(x),
            "glu-width": lambda keras, x: keras.activations.glu(x[:, :, :6], axis=2),
            "threshold": lambda keras, x: keras.activations.threshold(x, 0.25, -0.5),
            "gelu-tanh": lambda keras, x: keras.activations.gelu(x, approximate=True),
            "leaky_relu": lambda keras, x: keras.activations.leaky_relu(x, negative_slope=0.3),
            "relu": lambda keras, x: keras.activations.relu(x, negative_slope=0.1, max_value=1, threshold=0.1),
            "softmax-height": lambda keras, x: keras.activations.softmax(x, axis=1),
        },
    ),
)
