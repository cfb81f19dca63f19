"""Attention: dot-product, additive, multi-head and grouped-query; causal, masked, across images."""

from typing import Any

from model_zoo.declare import Family, Tier, image, several, tensor

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

_SEQUENCE = tensor(6, 10)
_QUERY_AND_VALUE = several(tensor(6, 10, name="query"), tensor(4, 10, name="value"))
_QUERY_VALUE_AND_KEY = several(tensor(6, 10, name="query"), tensor(4, 9, name="value"), tensor(4, 10, name="key"))


def _self(layer: str, *sizes: int, **options: Any) -> Any:
    """Attend from a sequence to itself; what begins with `call_` is an argument of the call."""
    of_call = {name.removeprefix("call_"): options.pop(name) for name in tuple(options) if name.startswith("call_")}
    return lambda keras, x: getattr(keras.layers, layer)(*sizes, **options)(x, x, **of_call)


CASES = (
    _family.layer("attention/dot-product", _QUERY_AND_VALUE, lambda nn: nn.Attention()),
    *_full.layers(
        "attention",
        _QUERY_AND_VALUE,
        {
            "scaled": lambda nn: nn.Attention(use_scale=True),
            "concatenated": lambda nn: nn.Attention(score_mode="concat"),
        },
    ),
    _full.layer("attention/own-keys", _QUERY_VALUE_AND_KEY, lambda nn: nn.Attention()),
    _full.graph("attention/causal", _SEQUENCE, lambda keras, x: keras.layers.Attention()([x, x], use_causal_mask=True)),
    _full.graph(
        "attention/scores",
        _QUERY_AND_VALUE,
        lambda keras, query, value: keras.layers.Attention()([query, value], return_attention_scores=True)[1],
    ),
    _full.graph(
        "attention/masked",
        _SEQUENCE,
        lambda keras, x: keras.layers.Attention()([x, x], mask=[None, x[:, :, 0] > -0.5]),
    ),
    _full.layer("additive_attention/plain", _QUERY_AND_VALUE, lambda nn: nn.AdditiveAttention()),
    _full.layer("additive_attention/unscaled", _QUERY_AND_VALUE, lambda nn: nn.AdditiveAttention(use_scale=False)),
    #
    _family.graph("multi_head_attention/self", _SEQUENCE, _self("MultiHeadAttention", 2, 4)),
    *_full.graphs(
        "multi_head_attention",
        _SEQUENCE,
        {
            "causal": _self("MultiHeadAttention", 2, 4, call_use_causal_mask=True),
            "value-dim": _self("MultiHeadAttention", 2, 4, value_dim=3),
            "output-shape": _self("MultiHeadAttention", 2, 4, output_shape=7),
            "gated": _self("MultiHeadAttention", 2, 4, use_gate=True),
            "sliding-window": _self("MultiHeadAttention", 2, 4, sliding_window=2),
            "scores": _self("MultiHeadAttention", 2, 4, call_return_attention_scores=True),
            "masked": lambda keras, x: keras.layers.MultiHeadAttention(2, 4)(x, x, key_mask=x[:, :, 0] > -0.5),
        },
    ),
    _full.graph(
        "multi_head_attention/cross",
        _QUERY_AND_VALUE,
        lambda keras, query, value: keras.layers.MultiHeadAttention(2, 4)(query, value),
    ),
    _full.graph(
        "multi_head_attention/over-height", image(3, 4, 10), _self("MultiHeadAttention", 2, 4, attention_axes=1)
    ),
    _full.graph(
        "multi_head_attention/own-keys",
        _QUERY_VALUE_AND_KEY,
        lambda keras, query, value, key: keras.layers.MultiHeadAttention(2, 4)(query, value, key),
    ),
    _full.graph(
        "multi_head_attention/mask-input",
        several(_SEQUENCE, tensor(6, 6, 1, name="mask")),
        lambda keras, x, mask: keras.layers.MultiHeadAttention(2, 4)(x, x, attention_mask=mask[:, :, :, 0] > -0.5),
    ),
    #
    _family.graph("group_query_attention/self", _SEQUENCE, _self("GroupQueryAttention", 3, 4, 2)),
    *_full.graphs(
        "group_query_attention",
        _SEQUENCE,
        {
            "one-key-head": _self("GroupQueryAttention", 3, 4, 1),
            "causal": _self("GroupQueryAttention", 3, 4, 2, call_use_causal_mask=True),
            "gated": _self("GroupQueryAttention", 3, 4, 2, use_gate=True),
        },
    ),
    _full.graph(
        "group_query_attention/cross",
        _QUERY_AND_VALUE,
        lambda keras, query, value: keras.layers.GroupQueryAttention(3, 4, 2)(query, value),
    ),
)
