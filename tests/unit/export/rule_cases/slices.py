"""Reversals, slices with every mask, mirrored borders, triangles and what leaves at one end to come in at the other."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.unit.export.graph_cases import table

_reversals = table("ReverseV2", (2, 5, 7, 3))
_slices = table("StridedSlice", (2, 5, 7, 3), lacks=())
_MASKS = {"begin_mask": 0, "end_mask": 0, "ellipsis_mask": 0, "new_axis_mask": 0, "shrink_axis_mask": 0}


def _padded(mode: str, *widths: tuple[int, int]) -> Any:
    return lambda x: tf.pad(x, widths, mode)


def _triangle(lower: int, upper: int) -> Any:
    return lambda x: tf.linalg.band_part(x, lower, upper)


def _strided(begin: Any, end: Any, strides: Any, **masks: int) -> Any:
    return lambda x: tf.raw_ops.StridedSlice(input=x, begin=begin, end=end, strides=strides, **{**_MASKS, **masks})


def _long(x: Any) -> Any:
    return tf.reverse(tf.tile(x, (1, 1, 10, 1)) + tf.range(70, dtype=x.dtype)[:, None], (2,))


_mirrored = table("MirrorPad", (2, 5, 7, 3))

CASES = [
    *_reversals(
        rows=lambda x: tf.reverse(x, (1,)),
        last=lambda x: tf.reverse(x, (-1,)),
        several=lambda x: tf.reverse(x, (0, 2, 3)),
        long=_long,
        single=lambda x: tf.reverse(x[:, :1] + x[:, 1:2], (1,)),
    ),
    *_slices(
        all_turned=lambda x: x[::-1, ::-1, ::-1, ::-1],
        one_axis=lambda x: x[:, ::-1],
        bounds=lambda x: x[:, 3:0:-1],
        steps=lambda x: x[:, ::-2, ::-3],
        steps_and_bounds=lambda x: x[:, 4:1:-2, -2:0:-3],
        from_behind=lambda x: x[:, -1:-4:-1],
        beyond_the_ends=lambda x: x[:, 99:-99:-2],
        single=lambda x: x[:, 2:1:-1],
        beside_a_step=lambda x: x[:, 1:4:2, ::-1],
        ellipsis=lambda x: x[..., ::-1],
        ellipsis_between=lambda x: x[::-1, ..., ::-2],
        ellipsis_for_nothing=lambda x: x[:, ::-1, ..., 1:3, :2],
        new_axes=lambda x: x[tf.newaxis, :, ::-1, tf.newaxis, ..., ::-1, tf.newaxis],
        shrunk=lambda x: x[1, ::-1, 3],
        shrunk_from_behind=lambda x: x[-1, ..., ::-1, -2],
        everything=lambda x: x[1, tf.newaxis, ..., ::-2, tf.newaxis, -1],
        ellipsis_wins=_strided([0, 0, 9], [0, 0, 0], [1, 1, -1], ellipsis_mask=2, new_axis_mask=2, shrink_axis_mask=2),
        new_axis_wins=_strided([0, 1, 9], [1, 2, 0], [1, 1, -2], new_axis_mask=1, shrink_axis_mask=3),
    ),
    *_mirrored(
        reflect=_padded("REFLECT", (0, 0), (2, 3), (0, 4), (1, 0)),
        symmetric=_padded("SYMMETRIC", (1, 0), (2, 3), (4, 0), (0, 2)),
        reflect_to_the_end=_padded("REFLECT", (1, 1), (4, 4), (6, 6), (2, 2)),
        symmetric_to_the_end=_padded("SYMMETRIC", (2, 2), (5, 5), (7, 7), (3, 3)),
    ),
    *table("MatrixBandPart", (2, 5, 7))(
        lower=_triangle(-1, 0),
        upper=_triangle(0, -1),
        band=_triangle(1, 2),
        all=_triangle(-1, -1),
        few=_triangle(0, 0),
        flags=lambda x: tf.linalg.band_part(x > 0, -1, 0),
    ),
    *table("Roll", (2, 5, 7, 3))(
        forwards=lambda x: tf.roll(x, 2, 1),
        backwards=lambda x: tf.roll(x, -3, -2),
        several=lambda x: tf.roll(x, (1, -2), (1, 2)),
        farther_than_the_axis=lambda x: tf.roll(x, (11, -16), (-3, 2)),
        one_axis_twice=lambda x: tf.roll(x, (1, 3), (2, 2)),
        whole_turn=lambda x: tf.roll(x * 2, (5, 0), (1, 3)),
    ),
]
LEFT_ALONE = [
    *_slices(
        forwards=lambda x: x[:, 1:, tf.newaxis, ::2, -1],
        nothing=lambda x: x[:, 1:3:-1],
        computed=lambda x: x[:, tf.cast(x[0, 0, 0, 0] * 0, tf.int32) + 3 : 0 : -1],
    ),
]
