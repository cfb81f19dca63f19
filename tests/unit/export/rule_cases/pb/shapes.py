"""Reshapes, orders of axes, and what cuts and joins tensors."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import table

_IMAGE = (2, 3, 4, 6)
_MASKS = dict.fromkeys(("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0)
_AXES = range(-4, 4)


def _to(*shapes: Any) -> Any:
    return lambda x: [tf.reshape(x, shape) for shape in shapes]


def _by_way_of(*shapes: Any) -> Any:
    def body(x: Any) -> Any:
        for shape in shapes:
            x = tf.reshape(x, shape)
        return x

    return body


def _in_every_order(rank: int) -> Any:
    return lambda x: [tf.transpose(x, order) for order in permutations(range(rank))]


def _strided(begin: Any, end: Any, strides: Any, **masks: int) -> Any:
    return lambda x: tf.raw_ops.StridedSlice(input=x, begin=begin, end=end, strides=strides, **{**_MASKS, **masks})


def _pieces(x: Any) -> Any:
    return [piece for axis in _AXES for piece in tf.unstack(x, axis=axis)]


def _uneven(x: Any) -> Any:
    sizes = ([1, 1], [2, 1], [1, 3], [1, 2, 3])
    return [piece for axis in _AXES for piece in tf.split(x, sizes[axis % 4], axis=axis)]


def _blocks(function: Any, data_format: str = "NHWC") -> Any:
    return lambda x: function(x, 2, data_format)


CASES = [
    *table("Reshape", (1, 12))(matrix=_to((1, 1, 3, 4), (1, 3, 1, 4), (1, 3, 2, 2), (1, 1, 1, 12), (1, 12, 1, 1))),
    *table("Reshape", (24,))(
        vector=_to((2, 12), (2, 3, 4), (1, 1, 6, 4), (2, 2, 2, 3), (2, 3, 2, 2, 1), (1, 1, 24, 1))
    ),
    *table("Reshape", (2, 3, 4))(
        three=_to((24,), (1, 1, 6, 4), (1, 6, 1, 4), (3, 2, 4), (2, 3, 4, 1), (2, 3, -1, 2, 1))
    ),
    *table("Reshape", (1, 1, 6, 4))(row=_to((24,), (6, 4), (1, 6, 4), (1, 6, 1, 4), (1, 2, 3, 4), (1, 1, 4, 6))),
    *table("Reshape", (1, 6, 1, 4))(column=_to((24,), (6, 4), (1, 6, 4), (1, 1, 6, 4), (1, 2, 3, 4), (1, 4, 1, 6))),
    *table("Reshape", _IMAGE)(image=_to((144,), (2, 72), (2, 12, 6), (1, 1, 24, 6), (2, 6, 4, 3), (2, 3, 4, 2, 3))),
    *table("Reshape", (2, 3, 4, 2, 3))(
        five=_to((144,), (2, 72), (2, 12, 6), (1, 1, 24, 6), (2, 3, 4, 6), (4, 3, 2, 6, 1))
    ),
    *table("Reshape", (1, 2, 6, 4), has=(("Reshape", 1),))(
        nested=_by_way_of((48,), (2, 24), (4, 3, 2, 2), (1, 1, 12, 4), (3, 2, 4, 2, 1), (6, 8)),
        of_a_row=_by_way_of((1, 1, 12, 4), (1, 12, 4)),
    ),
    *table("Reshape", (1, 2, 6, 4), has=(("Reshape", 0), ("Transpose", 0)))(
        there_and_back=_by_way_of((48,), (1, 1, 12, 4), (1, 2, 6, 4)),
        around_what_moves_nothing=lambda x: tf.reshape(
            tf.transpose(tf.identity(tf.reshape(x, (1, 12, 4))), (0, 1, 2)), (1, 2, 6, 4)
        ),
        around_a_pooling_of_ones=lambda x: tf.reshape(
            tf.nn.max_pool2d(tf.reshape(x, (1, 6, 2, 4)), 1, 1, "VALID"), (1, 2, 6, 4)
        ),
    ),
    *table("Reshape", (2, 3, 4))(
        after_a_reshape_of_four=lambda x: tf.reshape(tf.nn.relu(tf.reshape(x, (1, 2, 3, 4))), (6, 4)),
        after_a_slice=lambda x: tf.reshape(tf.slice(tf.reshape(x, (1, 2, 3, 4)), (0, 1, 0, 0), (1, 1, 3, 4)), (12,)),
    ),
    *table("Squeeze", (1, 3, 1, 4))(
        every=tf.squeeze,
        chosen=lambda x: [tf.squeeze(x, axis) for axis in (0, 2, -2, [0, -2])],
        from_five=lambda x: tf.squeeze(x[:, tf.newaxis], 1),
    ),
    *table("ExpandDims", (3, 4))(matrix=lambda x: [tf.expand_dims(x, axis) for axis in range(-3, 3)]),
    *table("ExpandDims", (2, 3, 4))(
        image=lambda x: [tf.expand_dims(x, axis) for axis in _AXES],
        row=lambda x: tf.expand_dims(tf.expand_dims(x[0], 0), 0),
    ),
    *table("ExpandDims", _IMAGE)(five=lambda x: [tf.expand_dims(x, axis) for axis in range(-5, 5)]),
    *table("Transpose", (3, 5))(two=_in_every_order(2)),
    *table("Transpose", (2, 3, 5))(three=_in_every_order(3)),
    *table("Transpose", _IMAGE)(four=_in_every_order(4)),
    *table("Transpose", (1, 1, 3, 5))(row=_in_every_order(4)),
    *table("Transpose", (2, 1, 3, 4, 2))(
        five=lambda x: [tf.transpose(x, order) for order in ((4, 3, 2, 1, 0), (0, 1, 3, 2, 4), (0, 1, 2, 3, 4))]
    ),
    *table("Pack", _IMAGE, _IMAGE)(four=lambda x, y: [tf.stack([x, y, x], axis) for axis in range(-5, 5)]),
    *table("Pack", (3, 4), (3, 4))(
        two=lambda x, y: [tf.stack([x, y], axis) for axis in range(-3, 3)], single=lambda x, _: tf.stack([x], 1)
    ),
    *table("Pack", (1, 3, 4), (1, 3, 4))(rows=lambda x, y: [tf.stack([x, y], axis) for axis in _AXES]),
    *table("Unpack", _IMAGE)(four=_pieces),
    *table("Unpack", (1, 3, 4))(
        three=lambda x: [*tf.unstack(x, axis=0), *tf.unstack(x, axis=1), *tf.unstack(x, axis=-1)]
    ),
    *table("Split", _IMAGE)(
        each=lambda x: [piece for axis in (0, -3, 1, 3) for piece in tf.split(x, x.shape[axis], axis)],
        halves=lambda x: [piece for axis in (0, 2, -1, -2, -4) for piece in tf.split(x, 2, axis)],
        whole=lambda x: tf.split(x, 1, 3),
    ),
    *table("SplitV", _IMAGE)(uneven=_uneven),
    *table("StridedSlice", _IMAGE)(
        begins=lambda x: x[:, 1:, 2:, 3:],
        ends=lambda x: x[:1, :-1, :2, :-3],
        steps=lambda x: x[:, ::2, 1::2, 1:6:3],
        negative_steps=lambda x: x[::-1, ::-2, 2:0:-1, ::-3],
        beyond_the_ends=lambda x: x[:9, -9:, 9:-9:-1, -99:99:4],
        ellipsis=lambda x: [x[..., 1], x[1, ..., 2:], x[..., :, 1:, :]],
        new_axes=lambda x: [x[tf.newaxis, :, 1:2], x[..., tf.newaxis], x[0, tf.newaxis, 1, tf.newaxis]],
        shrunk=lambda x: [x[1], x[:, -1], x[:, :, 3, 1:], x[0, 1, 2, 1:3], x[-1, ..., -2]],
        rows=lambda x: [x[:1, :1], x[1:, 2:, ::2, ::3]],
        everything=lambda x: x[1, tf.newaxis, ..., ::-2, tf.newaxis, -1],
        nothing_cut=lambda x: [x[:], x[...], x[:, :, ::1]],
        ellipsis_wins=_strided([0, 0, 5], [1, 0, 0], [1, 1, -1], ellipsis_mask=2, new_axis_mask=2, shrink_axis_mask=2),
        new_axis_wins=_strided([0, 1, 2], [1, 2, 0], [1, 1, -2], new_axis_mask=1, shrink_axis_mask=3),
    ),
    *table("StridedSlice", (5, 7))(matrix=lambda x: [x[1:4:2], x[:, ::-1], x[2], x[:, 3], x[::-2, 5:1:-2]]),
    *table("StridedSlice", (2, 3, 4, 2, 3))(five=lambda x: [x[:, 1], x[:, :, ::-1], x[..., 1:, 2], x[1, :, ::3]]),
    *table("StridedSlice", (100, 2))(long=lambda x: x[90:3:-2]),
    *table("GatherV2", _IMAGE)(
        several=lambda x: [tf.gather(x, [0, 1, 0, 1, 1], axis=axis) for axis in _AXES],
        one=lambda x: [tf.gather(x, 1, axis=axis) for axis in _AXES],
        from_behind=lambda x: tf.gather(x, [5, 3, 3], axis=3),
    ),
    *table("GatherV2", (70,))(most=lambda x: tf.gather(x, np.arange(64)[::-1])),
    *table("ConcatV2", _IMAGE, _IMAGE)(from_behind=lambda x, y: [tf.concat([x, y, x], axis) for axis in range(-4, 0)]),
    *table("DepthToSpace", (2, 3, 4, 12))(image=_blocks(tf.nn.depth_to_space)),
    *table("DepthToSpace", (1, 1, 5, 8))(row=_blocks(tf.nn.depth_to_space)),
    *table("DepthToSpace", (1, 3, 2, 18))(farther=lambda x: tf.nn.depth_to_space(x, 3)),
    *table("SpaceToDepth", (2, 4, 6, 3))(image=_blocks(tf.nn.space_to_depth)),
    *table("SpaceToDepth", (1, 2, 6, 3))(to_a_row=_blocks(tf.nn.space_to_depth)),
    *table("SpaceToDepth", (1, 6, 3, 2))(farther=lambda x: tf.nn.space_to_depth(x, 3)),
]
LEFT_ALONE = [
    *table("Reshape", (2, 6))(
        to_one_value=lambda x: tf.reshape(x[0, :1], ()),
        whole_numbers=lambda x: tf.reshape(tf.cast(x, tf.int32), (12,)),
        computed=lambda x: tf.reshape(x, tf.cast(x[0, :2], tf.int32)),
        constant=lambda x: tf.reshape(tf.zeros((2, 6), x.dtype), (12,)) + x[0, 0],
    ),
    *table("Squeeze", (1, 1))(to_one_value=tf.squeeze),
    *table("StridedSlice", (2, 6))(
        to_one_value=lambda x: x[0, 1],
        whole_numbers=lambda x: tf.cast(x, tf.int32)[:, 1:],
        computed=lambda x: x[:, tf.argmax(tf.reduce_max(x, 0)) :],
        nothing=lambda x: x[:, 3:3],
    ),
    *table("GatherV2", (70, 2))(
        matrix_of_indices=lambda x: tf.gather(x, [[1, 2], [3, 4]]),
        many=lambda x: tf.gather(x, np.arange(65)),
        computed=lambda x: tf.gather(x, tf.argmax(x)),
    ),
    *table("ConcatV2", _IMAGE)(from_before=lambda x: tf.concat([x, x], 3)),
    *table("SplitV", _IMAGE)(rest=lambda x: tf.raw_ops.SplitV(value=x, size_splits=[1, -1], axis=2, num_split=2)),
    *table("DepthToSpace", (1, 4, 3, 2))(channels_first=_blocks(tf.nn.depth_to_space, "NCHW")),
    *table("SpaceToDepth", (1, 3, 4, 2))(channels_first=_blocks(tf.nn.space_to_depth, "NCHW")),
]
