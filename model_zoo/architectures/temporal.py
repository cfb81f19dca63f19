"""A temporal convolutional network (Bai et al. 2018): causal convolutions whose dilation doubles."""

from __future__ import annotations

from typing import Any

from model_zoo.blocks.temporal import temporal_block
from model_zoo.declare import Family, Tier, tensor

_family = Family(__name__, "architectures", tier=Tier.FULL)


def tcn(keras: Any, x: Any, *, filters: int, depth: int, kernel: int, outputs: int) -> Any:
    """Return what the network makes of the last step of a signal."""
    for index in range(depth):
        x = temporal_block(keras, x, filters, kernel, dilation=2**index)
    return keras.layers.Dense(outputs)(x[:, -1])


CASES = (
    _family.graph(
        "tcn-small",
        tensor(24, 5, name="signal"),
        lambda keras, x: tcn(keras, x, filters=8, depth=3, kernel=3, outputs=4),
        covers=(),
    ),
    _family.graph(
        "tcn",
        tensor(784, 12, name="signal"),
        lambda keras, x: tcn(keras, x, filters=64, depth=8, kernel=7, outputs=10),
        covers=(),
    ),
)
