"""Core layers: dense forms, embeddings, and the wrappers that change nothing at inference."""

from model_zoo.declare import Family, Tier, tensor, tokens

_family = Family(__name__, "layers")

CASES = (
    _family.layer("dense/tanh", tensor(11), lambda nn: nn.Dense(7, activation="tanh")),
    _family.layer("dense/rank3", tensor(6, 11), lambda nn: nn.Dense(7), tier=Tier.FULL),
    _family.layer(
        "einsum_dense/heads", tensor(6, 11), lambda nn: nn.EinsumDense("abc,cde->abde", (None, 2, 5), bias_axes="de")
    ),
    _family.layer("embedding/tokens", tokens(9, 23), lambda nn: nn.Embedding(23, 5)),
    _family.layer("identity/image", tensor(5, 7, 3), lambda nn: nn.Identity(), tier=Tier.FULL),
)
