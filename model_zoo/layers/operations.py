"""`keras.ops` used in functional graphs, where there is no layer to name."""

from model_zoo.declare import Family, Tier, image, several, tensor

_family = Family(__name__, "layers")

CASES = (
    _family.graph(
        "ops/split-stack",
        image(5, 7, 6),
        lambda keras, x: keras.ops.stack(
            [keras.ops.split(x, 2, axis=-1)[1], keras.ops.split(x, 2, axis=-1)[0]], axis=1
        ),
        covers=("ops.split", "ops.stack"),
    ),
    _family.graph(
        "ops/mean-keepdims", image(5, 7, 3), lambda keras, x: x - keras.ops.mean(x, axis=(1, 2), keepdims=True)
    ),
    _family.graph(
        "ops/einsum",
        several(tensor(6, 11, name="left"), tensor(4, 11, name="right")),
        lambda keras, left, right: keras.ops.einsum("btc,bsc->bst", left, right),
        tier=Tier.FULL,
    ),
    _family.graph("ops/where", image(5, 7, 3), lambda keras, x: keras.ops.where(x > 0.25, x, -0.5 * x), tier=Tier.FULL),
    _family.graph(
        "ops/strided-slice",
        image(9, 12, 5),
        lambda _keras, x: x[:, 1:8:2, ::3, 1:4] + 0.5,
        tier=Tier.FULL,
        covers=("ops.slice",),
    ),
)
