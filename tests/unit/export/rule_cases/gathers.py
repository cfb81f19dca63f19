"""Gathering by indices of the one item of a batch, and products of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import RuleCase, table

_LISTS = np.random.RandomState(7)


def _constant(axis: int, *shape: int, batch_dims: int = 1) -> Any:
    indices = _LISTS.randint(0, 3, shape)
    return lambda x: tf.gather(x, tf.constant(indices), axis=axis, batch_dims=batch_dims)


def _computed(axis: int, *, batch_dims: int = 1) -> Any:
    """The indices are the places of the largest numbers, as Keras's and torch's top-k lists are."""
    return lambda x: tf.gather(x, tf.math.top_k(x[:, :, 0, 0], 3).indices, axis=axis, batch_dims=batch_dims)


def _of_one(**bodies: Any) -> list[RuleCase]:
    return table("GatherV2", (1, 5, 6, 7), lacks=("GatherNd",), has=(("GatherV2", 1), ("Squeeze", 1)))(**bodies)


CASES = [
    *_of_one(
        rows=_constant(1, 1, 4),
        columns=_constant(2, 1, 4),
        channels=_constant(3, 1, 9),
        last=_constant(-1, 1, 2),
        from_behind=_constant(-2, 1, 2),
        single=_constant(1, 1, 1),
        table_of_rows=_constant(1, 1, 4, 2),
        table_of_columns=_constant(2, 1, 2, 3, 2),
        one_index=_constant(1, 1),
        one_index_of_columns=_constant(-2, 1),
        computed_rows=_computed(1),
        computed_columns=_computed(2),
        computed_channels=_computed(-1),
    ),
    *table("GatherV2", (1, 5), lacks=(), has=(("GatherV2", 1), ("Squeeze", 1)))(of_a_row=_constant(1, 1, 4)),
    *table("GatherV2", (2, 5, 6, 7), lacks=("GatherNd",), has=(("GatherV2", 1),))(
        of_two=_constant(1, 2, 4),
        of_two_by_tables=_constant(1, 2, 4, 3),
        computed_of_two=_computed(1),
        two_batch_axes=_constant(2, 2, 5, 4, batch_dims=2),
        along_an_axis=lambda x: tf.gather(x, tf.argsort(x, -1), axis=3, batch_dims=3),
    ),
    *table("GatherNd", (3, 4, 5))(
        places=lambda x: tf.gather_nd(x, tf.constant([[0, 1, 2], [2, 3, 4]])),
        rows=lambda x: tf.gather_nd(x, tf.constant([[[0, 1], [2, 3]], [[1, 1], [0, 3]]])),
        matrices=lambda x: tf.gather_nd(x, tf.constant([[1], [0]])),
        computed=lambda x: tf.gather_nd(x, tf.cast(tf.minimum(tf.abs(x[:, :2, 0]), 2), tf.int32)),
    ),
    *table("Cross", (2, 5, 3), (2, 5, 3))(
        vectors=tf.linalg.cross,
        constant=lambda x, y: tf.linalg.cross(x, tf.ones_like(y) * tf.constant([1, -2, 3], y.dtype)),
        with_itself_turned=lambda x, _: tf.linalg.cross(x, tf.roll(x, 1, -1)),
        whole_numbers=lambda x, y: tf.linalg.cross(tf.cast(x * 9, tf.int32), tf.cast(y * 9, tf.int32)),
    ),
    *table("Cross", (3,), (3,))(single=tf.linalg.cross),
]
LEFT_ALONE = [
    *table("GatherNd", (3, 4, 5))(
        all_of_it=lambda x: tf.gather_nd(x, tf.zeros([2, 0], tf.int32)),
        of_open_size=lambda x: tf.gather_nd(x, tf.where(x > 0)),
    ),
    *table("GatherV2", (2, 5, 6, 7))(farther_behind=_constant(3, 2, 4)),
    *table("GatherV2", (1, 5, 6, 7))(
        plain=_constant(1, 4, batch_dims=0),
        plain_table=_constant(2, 1, 4, batch_dims=0),
        of_open_size=lambda x: tf.gather(x, tf.where(x[0, 0, 0] > 0)[tf.newaxis, :, 0], axis=3, batch_dims=1),
    ),
]
