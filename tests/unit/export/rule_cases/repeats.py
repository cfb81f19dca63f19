"""Tiles along any axes, and rows and columns repeated, which is resizing."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.unit.export.graph_cases import table


def _repeated(*axes: tuple[int, int]) -> Any:
    def body(x: Any) -> Any:
        for axis, times in axes:
            x = tf.repeat(x, times, axis)
        return x

    return body


def _resized(size: tuple[int, int], repeats: Any) -> Any:
    return lambda x: repeats(tf.image.resize(x, size, "nearest"))


def _tiled_rows(x: Any) -> Any:
    """Copies beside copies: the last of them are what the reshape merges."""
    return tf.reshape(tf.tile(tf.expand_dims(x, 2), (1, 2, 3, 1, 1)), (2, 30, 7, 3))


def _turned(x: Any) -> Any:
    """A reshape that merges other axes than those of the copies."""
    return tf.reshape(tf.tile(tf.expand_dims(x, 2), (1, 1, 2, 1, 1)), (2, 5, 14, 3))


_tiled = table("Tile", (2, 5, 7, 3))
_once = table("Reshape", (2, 5, 7, 3), lacks=("Tile", "ConcatV2"), has=(("ResizeNearestNeighbor", 1),))
_twice = table("Reshape", (2, 5, 7, 3), lacks=("Tile", "ConcatV2"), has=(("ResizeNearestNeighbor", 2),))
_BOTH = _repeated((1, 2), (2, 3))

CASES = [
    *_tiled(
        rows=lambda x: tf.tile(x, (1, 3, 1, 1)),
        channels=lambda x: tf.tile(x, (1, 1, 1, 2)),
        several=lambda x: tf.tile(x, (2, 1, 3, 2)),
        five_axes=lambda x: tf.tile(x[:, :, None], (1, 2, 4, 1, 3)),
        repeated_channels=_repeated((3, 4)),
        repeated_batch=_repeated((0, 2)),
        merged_otherwise=_turned,
        repeated_rows_of_a_matrix=lambda x: tf.repeat(x[0, 0], 3, 0),
        repeated_in_a_volume=lambda x: tf.repeat(x[:, None], 2, 2),
    ),
    *_once(
        rows=_repeated((1, 4)),
        columns=_repeated((2, 3)),
        rows_and_columns=_BOTH,
        columns_and_rows=_repeated((2, 2), (1, 5)),
        rows_in_two_steps=_repeated((1, 2), (1, 3), (2, 7)),
        after_enlarging=_resized((10, 21), _BOTH),
    ),
    *_twice(
        after_shrinking=_resized((2, 3), _BOTH),
        after_uneven_resizing=_resized((7, 9), _BOTH),
        after_resizing_one_way=_resized((10, 9), _repeated((1, 2))),
    ),
    *table("Reshape", (2, 5, 7, 3), lacks=("Tile",), has=(("ResizeNearestNeighbor", 1),))(copies_of_copies=_tiled_rows),
]
LEFT_ALONE = [
    *_tiled(too_many=lambda x: tf.tile(x, (1, 1, 1, 65)), open=lambda x: tf.tile(x, tf.cast(x[0, 0, 0, :1], tf.int32)
            * tf.constant([0, 0, 0, 0]) + tf.constant([1, 2, 1, 1]))),
    *table("Reshape", (2, 5, 7, 3))(
        channels=_repeated((3, 2)), of_no_copies=lambda x: tf.reshape(x, (2, 35, 3)), merged_otherwise=_turned
    ),
]  # fmt: skip
