"""Attention: dot-product, additive and multi-head."""

from model_zoo.declare import Family, Tier, several, tensor

_family = Family(__name__, "layers")
_QUERY_AND_VALUE = several(tensor(6, 10, name="query"), tensor(4, 10, name="value"))

CASES = (
    _family.layer("attention/dot-product", _QUERY_AND_VALUE, lambda nn: nn.Attention()),
    _family.layer("additive_attention/plain", _QUERY_AND_VALUE, lambda nn: nn.AdditiveAttention(), tier=Tier.FULL),
    _family.graph(
        "multi_head_attention/self", tensor(6, 10), lambda keras, x: keras.layers.MultiHeadAttention(2, 4)(x, x)
    ),
    _family.graph(
        "multi_head_attention/cross",
        _QUERY_AND_VALUE,
        lambda keras, query, value: keras.layers.MultiHeadAttention(2, 4)(query, value),
        tier=Tier.FULL,
    ),
)
