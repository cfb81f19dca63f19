"""Casts of fractions, one-hot vectors of any axis and values, buckets at their boundaries."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from harness.manifests import TensorSpec
from tests.unit.export.graph_cases import RuleCase, table

_FRACTIONS = ((-7.0, -2.999, -2.5, -1.0, -0.5, -1e-3, -0.0, 0.0, 1e-3, 0.5, 0.999, 1.0, 2.5, 1e6),)
_POSITIVE = ((0.0, 0.999, 1.0, 2.5, 254.9),)
_casts = table("Cast", (14,), values=_FRACTIONS, lacks=(), has=(("Cast", 1), ("Floor", 1)))
_IDS = ((0, 1, 3, 2, -1, 4, 7, 0, 2),)


def _hot(depth: int = 4, **options: Any) -> Any:
    return lambda x: tf.one_hot(tf.reshape(x, (3, 3)), depth, **options)


def _computed_values(x: Any) -> Any:
    on = tf.cast(tf.reduce_max(x), tf.float32) / 3
    return tf.raw_ops.OneHot(indices=x, depth=4, on_value=on, off_value=-on, axis=-1)


def _one_hots(dtype: str) -> list[RuleCase]:
    ids = (TensorSpec(name="x", shape=(9,), dtype=dtype),)
    forms = {
        "last": _hot(),
        "first": _hot(axis=0),
        "middle": _hot(axis=1),
        "values": _hot(on_value=5.0, off_value=-2.0),
        "swapped": _hot(on_value=0.0, off_value=1.0),
        "whole": _hot(on_value=7, off_value=-3, dtype=tf.int32),
        "flags": _hot(on_value=True, off_value=False, dtype=tf.bool),
        "no_flags": _hot(on_value=False, off_value=True, dtype=tf.bool),
        "computed": _computed_values,
    }
    return [RuleCase(name=f"{n}_{dtype}", op="OneHot", body=b, specs=ids, values=_IDS) for n, b in forms.items()]


def _buckets(boundaries: list[float]) -> Any:
    return lambda x: tf.raw_ops.Bucketize(input=x, boundaries=boundaries)


_EDGES = np.float32([0.1, 0.5, 3.0])
_AT_EDGES = (
    np.concatenate([np.nextafter(_EDGES, np.float32(-9)), _EDGES, np.nextafter(_EDGES, np.float32(9)), [-1e9, 1e9, 0]]),
)
_bucketised = table("Bucketize", (12,), values=_AT_EDGES, double=False)
_WHOLE = (TensorSpec(name="x", shape=(5,), dtype="int32"),)

CASES = [
    *_casts(to_int32=lambda x: tf.cast(x, tf.int32), to_int64=lambda x: tf.cast(x, tf.int64)),
    *table("Cast", (5,), values=_POSITIVE, lacks=(), has=(("Floor", 1),))(to_uint8=lambda x: tf.cast(x, tf.uint8)),
    *_one_hots("int32"),
    *_one_hots("int64"),
    *_bucketised(at_boundaries=_buckets(_EDGES.tolist()), one=_buckets([0.5])),
    RuleCase(name="of_whole", op="Bucketize", body=_buckets([1.0, 3.0]), specs=_WHOLE, values=((0, 1, 2, 3, 4),)),
]
LEFT_ALONE = [
    *table("Cast", (14,), values=_FRACTIONS)(
        to_bool=lambda x: tf.cast(x, tf.bool),
        to_half=lambda x: tf.cast(x, tf.float16),
        floored=lambda x: tf.cast(tf.floor(x), tf.int32),
    ),
]
