"""Patches side by side, apart, overlapping and with gaps, and of images that they do not divide."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.unit.export.graph_cases import table


def _cut(size: tuple[int, int], step: tuple[int, int], padding: str = "VALID", rates: tuple[int, int] = (1, 1)) -> Any:
    return lambda x: tf.image.extract_patches(x, (1, *size, 1), (1, *step, 1), (1, *rates, 1), padding)


_side_by_side = table("ExtractImagePatches", (2, 6, 8, 3), has=(("Reshape", 2), ("Transpose", 1), ("Conv2D", 0)))
_others = table("ExtractImagePatches", (2, 9, 11, 3), has=(("Conv2D", 1), ("Transpose", 0)))

CASES = [
    *_side_by_side(
        squares=_cut((2, 2), (2, 2)),
        squares_same=_cut((2, 2), (2, 2), "SAME"),
        oblongs=_cut((3, 4), (3, 4)),
        rows=_cut((1, 8), (1, 8)),
        columns=_cut((6, 1), (6, 1), "SAME"),
        pixels=_cut((1, 1), (1, 1)),
        whole=_cut((6, 8), (6, 8)),
    ),
    *table("ExtractImagePatches", (1, 6, 8, 1), has=(("Conv2D", 0),))(of_one_channel=_cut((3, 2), (3, 2))),
    *_others(
        not_divided=_cut((2, 3), (2, 3)),
        not_divided_same=_cut((2, 3), (2, 3), "SAME"),
        not_divided_in_rows=_cut((2, 11), (2, 11)),
        not_divided_in_columns_same=_cut((3, 4), (3, 4), "SAME"),
        overlapping=_cut((3, 4), (1, 2)),
        overlapping_same=_cut((3, 4), (2, 1), "SAME"),
        overlapping_in_columns=_cut((3, 4), (3, 2)),
        apart=_cut((2, 1), (3, 4)),
        apart_same=_cut((2, 1), (4, 3), "SAME"),
        rates=_cut((3, 2), (1, 1), rates=(2, 3)),
        rates_same=_cut((3, 2), (1, 1), "SAME", rates=(2, 3)),
        rates_of_steps=_cut((3, 3), (3, 3), rates=(2, 1)),
        rates_of_steps_same=_cut((2, 3), (2, 3), "SAME", rates=(3, 2)),
        larger_than_the_image_same=_cut((11, 13), (2, 2), "SAME"),
    ),
    *table("ExtractImagePatches", (1, 9, 11, 1), has=(("Conv2D", 1),))(
        of_one_channel_overlapping=_cut((3, 2), (1, 1), "SAME")
    ),
]
LEFT_ALONE = [
    *table("ExtractImagePatches", (2, 6, 8, 3))(
        whole_numbers=lambda x: _cut((2, 2), (2, 2))(tf.cast(x, tf.int32)),
        of_open_size=lambda x: _cut((2, 2), (2, 2))(tf.boolean_mask(x, x[:, 0, 0, 0] > 0)),
    ),
]
