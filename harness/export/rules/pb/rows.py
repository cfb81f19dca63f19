"""Convolutions and poolings of sequences, which Keras computes on images of one row: on images of one column instead.

A row is the one shape that the importer cannot reshape to in one step (see `shapes.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.export.rules.convolutions import explicit_pads
from harness.export.rules.pb.dilations import convolved
from harness.export.rules.pb.shapes import reshaped

_ROW_RANK = 4


def _is_row(x: Any) -> bool:
    sizes = x.shape.as_list() if x.shape.rank == _ROW_RANK and x.shape.is_fully_defined() else []
    return bool(sizes) and sizes[1] == 1 and sizes[2] > 1


def _turned(sizes: Sequence[int]) -> list[int]:
    """Exchange height and width in a list that has batch and channels as well."""
    return [sizes[0], sizes[2], sizes[1], sizes[3]]


def _as_column(compute: Callable[[Any, Any, Sequence[Any]], Any]) -> Callable[[Any, Sequence[Any]], Any]:
    def rule(node: Any, inputs: Sequence[Any]) -> Any:
        x = inputs[0]
        if not _is_row(x) or node.attr["data_format"].s not in {b"NHWC", b""}:
            return None
        made = compute(node, reshaped(x, _turned(x.shape.as_list())), inputs)
        return None if made is None else reshaped(made, _turned(made.shape.as_list()))

    return rule


def _convolution(node: Any, column: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    kernel = tf.get_static_value(inputs[1])
    if kernel is None or kernel.shape[0] != 1:
        return None
    pads = explicit_pads(node, inputs[0].shape.as_list(), list(kernel.shape[:2]))
    if any(pads[0]):  # would make rows of it
        return None
    strides, dilations = (_turned(list(node.attr[name].list.i) or [1] * 4) for name in ("strides", "dilations"))
    turned = tf.constant(kernel.transpose(1, 0, 2, 3))
    return convolved(node.op, column, turned, strides=strides, dilations=dilations, pads=pads[::-1])


def _max_pool(node: Any, column: Any, _inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.raw_ops.MaxPool(input=column, **_window(node))


def _average_pool(node: Any, column: Any, _inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    return tf.raw_ops.AvgPool(value=column, **_window(node))


def _window(node: Any) -> dict[str, Any]:
    return {
        "ksize": _turned(list(node.attr["ksize"].list.i)),
        "strides": _turned(list(node.attr["strides"].list.i)),
        "padding": node.attr["padding"].s.decode(),
    }


def _transposed(node: Any, inputs: Sequence[Any]) -> Any:
    import tensorflow as tf

    sizes, kernel, x = tf.get_static_value(inputs[0]), tf.get_static_value(inputs[1]), inputs[2]
    if sizes is None or kernel is None or kernel.shape[0] != 1 or sizes[1] != 1 or not _is_row(x):
        return None
    made = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.constant(_turned(sizes.tolist()), tf.int32),
        filter=tf.constant(kernel.transpose(1, 0, 2, 3)),
        out_backprop=reshaped(x, _turned(x.shape.as_list())),
        strides=_turned(list(node.attr["strides"].list.i)),
        padding=node.attr["padding"].s.decode(),
    )
    return reshaped(made, _turned(made.shape.as_list()))


RULES = {
    **dict.fromkeys(("Conv2D", "DepthwiseConv2dNative"), _as_column(_convolution)),
    "MaxPool": _as_column(_max_pool),
    "AvgPool": _as_column(_average_pool),
    "Conv2DBackpropInput": _transposed,
}
