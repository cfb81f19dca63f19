"""Whole numbers that are looked up in tables are drawn from what the tables hold."""

from __future__ import annotations

from typing import Any

import keras
import pytest
from keras import layers

from harness.export import keras_models
from harness.export.ranges import know_ranges


def token_ids(**options: Any) -> Any:
    return keras.Input((4,), batch_size=1, name="ids", **options)


def embedded(rows: int, dtype: str = "int32") -> Any:
    ids = token_ids(dtype=dtype)
    return keras.Model(ids, layers.Embedding(rows, 3)(ids))


def twice() -> Any:
    ids = token_ids(dtype="int64")
    small = layers.Embedding(5, 3)(ids)
    return keras.Model(ids, layers.Embedding(50, 3)(ids) + small)


def taken_from_an_input() -> Any:
    ids, table = token_ids(dtype="int32"), keras.Input((7,), batch_size=1, name="table")
    return keras.Model([ids, table], keras.ops.take(table, ids[0], axis=1))


def counted() -> Any:
    ids = token_ids(dtype="int32")
    return keras.Model(ids, keras.ops.cast(ids, "float32") * 2.0)


@pytest.mark.parametrize(
    ("build", "low", "high"),
    [
        (lambda: embedded(5), 0, 4),
        (lambda: embedded(50), 0, 49),
        (lambda: embedded(6, "int64"), 0, 5),
        (twice, 0, 4),
        (taken_from_an_input, None, None),
        (counted, None, None),
        (lambda: embedded(5, "float32"), None, None),
    ],
    ids=["5", "50", "int64", "the-smaller", "no-constant", "no-table", "floats"],
)
def test_ids_are_drawn_from_the_smallest_table(build, low, high):
    network = keras_models.from_model(build(), (), ())
    know_ranges(network)
    assert (network.interface.inputs[0].low, network.interface.inputs[0].high) == (low, high)
