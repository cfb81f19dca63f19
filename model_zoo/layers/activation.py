"""Activations: the layers, and the functions that `Activation` takes by name."""

from functools import partial
from typing import Any

from harness.cases import Case
from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")
_IMAGE = image(5, 7, 3)
_CORE_FUNCTIONS = "gelu swish hard_sigmoid"
_MORE_FUNCTIONS = (
    "celu elu exponential hard_shrink hard_silu hard_tanh leaky_relu log_sigmoid log_softmax mish relu relu6 "
    "selu sigmoid soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid squareplus tanh tanh_shrink"
)


def _activation(name: str, nn: Any) -> Any:
    return nn.Activation(name)


def _functions(names: str, tier: Tier) -> tuple[Case, ...]:
    return tuple(
        _family.layer(f"activation/{name}", _IMAGE, partial(_activation, name), tier=tier) for name in names.split()
    )


CASES = (
    _family.layer("relu/capped-leaky", _IMAGE, lambda nn: nn.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.25)),
    _family.layer("leaky_relu/slope", _IMAGE, lambda nn: nn.LeakyReLU(negative_slope=0.2)),
    _family.layer("prelu/shared-axes", _IMAGE, lambda nn: nn.PReLU(shared_axes=[1, 2])),
    _family.layer("prelu/vector", tensor(11), lambda nn: nn.PReLU(), tier=Tier.FULL),
    _family.layer("elu/alpha", _IMAGE, lambda nn: nn.ELU(alpha=0.7)),
    _family.layer("softmax/axis1", tensor(6, 11), lambda nn: nn.Softmax(axis=1)),
    *_functions(_CORE_FUNCTIONS, Tier.CORE),
    *_functions(_MORE_FUNCTIONS, Tier.FULL),
)
