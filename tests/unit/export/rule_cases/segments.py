"""Sums over segments of rows, and counts of classes."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.unit.export.graph_cases import table

_IDS = [0, 0, 2, 2, 2, 4]
_CLASSES = ((0.0, 3.0, 3.0, 1.0, 4.0), (2.0, 2.0, 2.0, 0.0, 1.0))


def _counted(binary: bool, depth: int = 5, bounded: bool = False) -> Any:
    """Keras's CategoryEncoding: the number of classes is the least and the most that bincount may find."""

    def body(x: Any) -> Any:
        ids = tf.cast(x, tf.int32)
        if bounded:
            found = tf.math.bincount(ids, minlength=depth, maxlength=depth, axis=-1, binary_output=binary)
            return tf.cast(found, x.dtype)
        weights = tf.constant([], x.dtype)
        return tf.raw_ops.DenseBincount(input=ids, size=depth, weights=weights, binary_output=binary)

    return body


CASES = [
    *table("UnsortedSegmentSum", (6, 3, 2))(
        rows=lambda x: tf.math.unsorted_segment_sum(x, tf.constant(_IDS), 6),
        in_any_order=lambda x: tf.math.unsorted_segment_sum(x, tf.constant(_IDS[::-1]), 5),
    ),
    *table("UnsortedSegmentSum", (6,))(numbers=lambda x: tf.math.unsorted_segment_sum(x, tf.constant(_IDS), 5)),
    *table("SegmentSum", (6, 3))(sorted=lambda x: tf.math.segment_sum(x, tf.constant(_IDS))),
    *table("DenseBincount", (2, 5), values=(_CLASSES,))(
        counts=_counted(False),
        presence=_counted(True),
        counts_of_some=_counted(False, depth=3),
        as_keras_counts=_counted(False, bounded=True),
        as_keras_tells_presence=_counted(True, bounded=True),
    ),
    *table("DenseBincount", (5,), values=(_CLASSES[0],))(of_one_row=_counted(False)),
]
LEFT_ALONE = [
    *table("UnsortedSegmentSum", (6, 3))(
        computed_ids=lambda x: tf.math.unsorted_segment_sum(x, tf.cast(tf.abs(x[:, 0]), tf.int32), 6)
    ),
    *table("DenseBincount", (5,), values=(_CLASSES[0],))(
        as_many_as_there_are=lambda x: tf.math.bincount(tf.cast(x, tf.int32), axis=-1)
    ),
]
