"""`keras.ops` that move values: reshaping, transposing, joining, splitting, indexing, padding, repeating.

`ops.rearrange` is missing: in Keras 3.15 it multiplies sizes, and fails where the batch axis is open.
"""

from functools import partial
from typing import Any

import numpy as np

from model_zoo.declare import Family, Tier, image, several, tensor, tokens

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

_IMAGE = image(5, 7, 3)
_CHANNELS_12 = image(5, 7, 12)
_SEQUENCE = tensor(6, 11)
_TWO = several(image(5, 7, 3, name="left"), image(5, 7, 3, name="right"))
_TABLE = np.linspace(-1, 2, 18, dtype=np.float32).reshape(9, 2)
_INDEXED = {
    "get_item-rows": (slice(None), slice(1, 4)),
    "get_item-channel": (..., 1),
    "get_item-one-row": (slice(None), 2),
    "get_item-backwards": (slice(None), slice(None, None, -1)),
    "get_item-new-axis": (slice(None), None),
}


def _item(key: Any, _ops: Any, x: Any) -> Any:
    return 2 * x[key]


CASES = (
    _family.graph(
        "ops/split-stack",
        image(5, 7, 6),
        lambda keras, x: keras.ops.stack(
            [keras.ops.split(x, 2, axis=-1)[1], keras.ops.split(x, 2, axis=-1)[0]], axis=1
        ),
        covers=("ops.split", "ops.stack"),
    ),
    _full.graph(
        "ops/strided-slice",
        image(9, 12, 5),
        lambda _keras, x: x[:, 1:8:2, ::3, 1:4] + 0.5,
        covers=("ops.slice",),
    ),
    *_full.operations(_IMAGE, {name: partial(_item, key) for name, key in _INDEXED.items()}, covers=("ops.get_item",)),
    *_full.operations(
        _IMAGE,
        {
            "reshape-pixels": lambda ops, x: ops.reshape(x, (-1, 35, 3)),
            "transpose-channels-first": lambda ops, x: ops.transpose(x, (0, 3, 1, 2)),
            "transpose-there-and-back": lambda ops, x: ops.transpose(
                ops.tanh(ops.transpose(x, (0, 3, 1, 2))), (0, 2, 3, 1)
            ),
            "swapaxes": lambda ops, x: ops.swapaxes(x, 1, 3),
            "expand_dims-1": lambda ops, x: ops.expand_dims(x, 1),
            "squeeze": lambda ops, x: ops.squeeze(ops.max(x, axis=1, keepdims=True), axis=1),
            "flip-height": lambda ops, x: ops.flip(x, axis=1),
            "roll-width": lambda ops, x: ops.roll(x, 2, axis=2),
            "repeat-height": lambda ops, x: ops.repeat(x, 2, axis=1),
            "tile-all": lambda ops, x: ops.tile(x, (1, 2, 3, 2)),
            "pad-zeros": lambda ops, x: ops.pad(x, ((0, 0), (1, 2), (3, 0), (0, 0))),
            "pad-constant": lambda ops, x: ops.pad(x, ((0, 0), (1, 2), (3, 0), (0, 0)), constant_values=1.5),
            "pad-channels": lambda ops, x: ops.pad(x, ((0, 0), (0, 0), (0, 0), (1, 2))),
            "pad-reflect": lambda ops, x: ops.pad(x, ((0, 0), (1, 2), (3, 0), (0, 0)), mode="reflect"),
            "slice": lambda ops, x: ops.slice(x, (0, 1, 2, 0), (1, 3, 4, 2)),
            "take-channels": lambda ops, x: ops.take(x, [2, 0, 1], axis=-1),
            "take-one": lambda ops, x: ops.take(x, 2, axis=1),
            "split-uneven": lambda ops, x: [ops.split(x, (2, 5), axis=2)[part] for part in range(3)],
            "split-one-of": lambda ops, x: ops.tanh(ops.split(x, 3, axis=-1)[1]),
            "unstack": lambda ops, x: ops.unstack(x, axis=-1)[0] - ops.unstack(x, axis=-1)[2],
            "ones_like": lambda ops, x: ops.concatenate([x, ops.ones_like(x)], axis=-1),
        },
    ),
    *_full.operations(
        _CHANNELS_12,
        {
            "depth_to_space": lambda ops, x: ops.depth_to_space(x, 2),
            "depth_to_space-by-hand": lambda ops, x: ops.reshape(
                ops.transpose(ops.reshape(x, (-1, 5, 7, 2, 2, 3)), (0, 1, 3, 2, 4, 5)), (-1, 10, 14, 3)
            ),
            "channel-shuffle": lambda ops, x: ops.reshape(
                ops.transpose(ops.reshape(x, (-1, 5, 7, 3, 4)), (0, 1, 2, 4, 3)), (-1, 5, 7, 12)
            ),
        },
    ),
    *_full.operations(
        image(6, 8, 3),
        {
            "space_to_depth": lambda ops, x: ops.space_to_depth(x, 2),
            "space_to_depth-by-hand": lambda ops, x: ops.reshape(
                ops.transpose(ops.reshape(x, (-1, 3, 2, 4, 2, 3)), (0, 1, 3, 2, 4, 5)), (-1, 3, 4, 12)
            ),
            "space_to_depth-focus": lambda ops, x: ops.concatenate(
                [x[:, ::2, ::2], x[:, 1::2, ::2], x[:, ::2, 1::2], x[:, 1::2, 1::2]], axis=-1
            ),
        },
    ),
    *_full.operations(
        _TWO,
        {
            "concatenate-channels": lambda ops, left, right: ops.concatenate([left, right], axis=-1),
            "concatenate-height": lambda ops, left, right: ops.concatenate([left, right], axis=1),
            "stack-last": lambda ops, left, right: ops.stack([left, right], axis=-1),
        },
    ),
    *_full.operations(
        _SEQUENCE,
        {
            "tril": lambda ops, x: ops.tril(x),
        },
    ),
    *_full.operations(
        tokens(7, 9),
        {
            "one_hot": lambda ops, x: ops.one_hot(x, 9),
            "one_hot-first": lambda ops, x: ops.one_hot(x, 9, axis=1),
            "multi_hot": lambda ops, x: ops.multi_hot(x, 9),
            "take-from-table": lambda ops, x: ops.take(_TABLE, x, axis=0),
        },
    ),
    _full.graph(
        "ops/take_along_axis",
        several(_SEQUENCE, tensor(6, 4, name="order")),
        lambda keras, x, order: keras.ops.take_along_axis(
            x, keras.ops.argsort(keras.ops.concatenate([order, x[:, :, :7]], axis=-1), axis=-1), axis=-1
        ),
    ),
)
