"""Dilated convolutions as the importer reads them: between SpaceToBatchND and BatchToSpaceND.

It passes over the attribute `dilations` (other numbers, no error), and of the padding of SpaceToBatchND it takes what
lies before for what lies behind; so the image is padded by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.rules.convolutions import explicit_pads


def convolved(
    op: str, x: Any, kernel: Any, *, strides: Sequence[int], dilations: Sequence[int], pads: Sequence[Sequence[int]]
) -> Any:
    """Return the convolution of an image (NHWC) with zeros before and after each of its two axes."""
    import tensorflow as tf

    padded = tf.pad(x, [[0, 0], *(list(pad) for pad in pads), [0, 0]]) if any(map(any, pads)) else x
    block = list(dilations[1:3])
    if max(block) == 1:
        return getattr(tf.raw_ops, op)(input=padded, filter=kernel, strides=list(strides), padding="VALID")
    surplus = [[0, -int(padded.shape[axis + 1]) % size] for axis, size in enumerate(block)]
    spread = tf.raw_ops.SpaceToBatchND(input=padded, block_shape=tf.constant(block), paddings=tf.constant(surplus))
    made = getattr(tf.raw_ops, op)(input=spread, filter=kernel, strides=[1, 1, 1, 1], padding="VALID")
    return tf.raw_ops.BatchToSpaceND(input=made, block_shape=tf.constant(block), crops=tf.constant(surplus))


def _dilated(node: Any, inputs: Sequence[Any]) -> Any:
    dilations = list(node.attr["dilations"].list.i) or [1] * 4
    x, kernel = inputs
    if max(dilations) == 1 or node.attr["data_format"].s not in {b"NHWC", b""} or not x.shape.is_fully_defined():
        return None
    pads = explicit_pads(node, x.shape.as_list(), kernel.shape.as_list()[:2])
    return convolved(node.op, x, kernel, strides=list(node.attr["strides"].list.i), dilations=dilations, pads=pads)


RULES = dict.fromkeys(("Conv2D", "DepthwiseConv2dNative"), _dilated)
