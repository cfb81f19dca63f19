"""Core layers: dense forms, embeddings, masks, functions, and what changes nothing at inference."""

from functools import partial
from typing import Any

from model_zoo.declare import Family, Tier, image, tensor, tokens

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

_VECTOR = tensor(11)
_SEQUENCE = tensor(6, 11)
_TOKENS = tokens(9, 23)
_HEADS = "gelu relu sigmoid softmax"


def _head(activation: str, nn: Any) -> Any:
    return nn.Dense(7, activation=activation)


def _there_and_back(keras: Any, x: Any, **options: Any) -> Any:
    """Embed, mix, and score every token with the same layer, as language models do."""
    embedding = keras.layers.ReversibleEmbedding(23, 5, **options)
    return embedding(keras.layers.Dense(5)(embedding(x)), reverse=True)


def _average_of_steps(keras: Any, x: Any) -> Any:
    """Average the steps that are not all zeros, as those of a padded sequence are; here chance decides which."""
    padded = x * keras.ops.cast(x[:, :, :1] > -0.5, "float32")
    return keras.layers.GlobalAveragePooling1D()(keras.layers.Masking()(padded))


CASES = (
    _family.layer("dense/tanh", _VECTOR, lambda nn: nn.Dense(7, activation="tanh")),
    *_full.layers(
        "dense",
        _VECTOR,
        {
            "plain": lambda nn: nn.Dense(7),
            "no-bias": lambda nn: nn.Dense(7, use_bias=False),
            "one-unit": lambda nn: nn.Dense(1),
            **{f"activation-{name}": partial(_head, name) for name in _HEADS.split()},
        },
    ),
    _full.layer("dense/rank3", _SEQUENCE, lambda nn: nn.Dense(7)),
    _full.layer("dense/image", image(5, 7, 3), lambda nn: nn.Dense(4, activation="relu")),
    #
    _family.layer(
        "einsum_dense/heads", _SEQUENCE, lambda nn: nn.EinsumDense("abc,cde->abde", (None, 2, 5), bias_axes="de")
    ),
    *_full.layers(
        "einsum_dense",
        _SEQUENCE,
        {
            "like-dense": lambda nn: nn.EinsumDense("abc,cd->abd", (None, 7), bias_axes="d"),
            "over-time": lambda nn: nn.EinsumDense("abc,bd->adc", (7, 11), bias_axes="d"),
            "per-step": lambda nn: nn.EinsumDense("abc,bcd->abd", (6, 7), bias_axes="bd"),
            "ellipsis-tanh": lambda nn: nn.EinsumDense("...c,cd->...d", (7,), activation="tanh"),
        },
    ),
    _full.layer("einsum_dense/vector", _VECTOR, lambda nn: nn.EinsumDense("ab,bc->ac", 7, bias_axes="c")),
    #
    _family.layer("embedding/tokens", _TOKENS, lambda nn: nn.Embedding(23, 5)),
    *_full.graphs(
        "embedding",
        _TOKENS,
        {
            "mean": lambda keras, x: keras.ops.mean(keras.layers.Embedding(23, 5)(x), axis=1),
            "masked-average": lambda keras, x: keras.layers.GlobalAveragePooling1D()(
                keras.layers.Embedding(23, 5, mask_zero=True)(x)
            ),
            "conv1d": lambda keras, x: keras.layers.Conv1D(4, 3)(keras.layers.Embedding(23, 5)(x)),
        },
    ),
    _full.layer("reversible_embedding/forward", _TOKENS, lambda nn: nn.ReversibleEmbedding(23, 5)),
    _full.graph("reversible_embedding/tied", _TOKENS, lambda keras, x: _there_and_back(keras, x, tie_weights=True)),
    _full.graph("reversible_embedding/untied", _TOKENS, lambda keras, x: _there_and_back(keras, x, tie_weights=False)),
    _full.graph(
        "reversible_embedding/soft-cap", _TOKENS, lambda keras, x: _there_and_back(keras, x, logit_soft_cap=2.0)
    ),
    #
    _full.layer("identity/image", image(5, 7, 3), lambda nn: nn.Identity()),
    _full.layer("lambda/scaled", image(5, 7, 3), lambda nn: nn.Lambda(lambda x: 2.5 * x - 0.5)),
    _full.layer("lambda/turned", image(5, 7, 3), lambda nn: nn.Lambda(lambda x: x[:, ::-1], output_shape=(5, 7, 3))),
    _full.layer("masking/alone", _SEQUENCE, lambda nn: nn.Masking(0.0)),
    _full.graph("masking/average", _SEQUENCE, _average_of_steps),
)
