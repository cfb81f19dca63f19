"""Einsum as transposes, reshapes and one matrix product, all of static shape.

What tf2onnx makes of it works out its shapes while it runs (Shape, Gather, ReduceProd, Concat around each product):
OpenCV 4 crashes on that in every MultiHeadAttention, and refuses it elsewhere ("Unsqueeze: Multidimensional").
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from harness.export.rules.reductions import reduced

_MOST_BATCH_AXES = 2
"""Products of matrices in more than two axes are given to OpenCV as those in one."""


def contract(equation: str, *operands: Any) -> Any:
    """Return what `tf.einsum` does, or None for what is left to it: repeated labels, open shapes, three operands."""
    import tensorflow as tf

    inputs, out = _labels(equation, [tensor.shape.rank for tensor in operands])
    if not 1 <= len(operands) <= 2 or any(len(set(labels)) != len(labels) for labels in (*inputs, out)):
        return None
    if not all(tensor.shape.is_fully_defined() for tensor in operands):
        return None
    needed = {*out, *(set(inputs[0]) & set(inputs[-1]) if len(inputs) == 2 else ())}
    summed = [_summed(tensor, labels, needed) for tensor, labels in zip(operands, inputs, strict=True)]
    if len(summed) == 1:
        return _transposed(*summed[0], out)
    (a, left), (b, right) = summed
    if any(a.shape[left.index(label)] != b.shape[right.index(label)] for label in set(left) & set(right)):
        return None  # an axis of 1 that is broadcast
    batch = [label for label in out if label in left and label in right]
    inner = [label for label in left if label in right and label not in out]
    rows, columns = [x for x in out if x in left and x not in batch], [x for x in out if x in right and x not in batch]
    sizes = dict(zip(left + right, a.shape.as_list() + b.shape.as_list(), strict=True))
    a = _grouped(_transposed(a, left, batch + rows + inner), [batch, rows, inner], sizes)
    b = _grouped(_transposed(b, right, batch + inner + columns), [batch, inner, columns], sizes)
    made = [*batch, *rows, *columns]
    product = tf.reshape(tf.matmul(a, b), [sizes[label] for label in made])
    return _transposed(product, made, out)


def _labels(equation: str, ranks: Sequence[int]) -> tuple[list[list[str]], list[str]]:
    """Return the labels of each operand and of the result, with numbers for the axes of an ellipsis."""
    equation = equation.replace(" ", "")
    left, _, right = equation.partition("->")
    terms = left.split(",")
    dots = max(
        (rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True) if "..." in term),
        default=0,
    )
    names = [f"{index}" for index in range(dots)]

    def spelt(term: str, rank: int | None) -> list[str]:
        before, ellipsis, after = term.partition("...")
        missing = dots if rank is None else rank - len(before) - len(after)
        return [*before, *(names[dots - missing :] if ellipsis else []), *after]

    inputs = [spelt(term, rank) for term, rank in zip(terms, ranks, strict=True)]
    if "->" in equation:
        return inputs, spelt(right, None)
    flat = [label for labels in inputs for label in labels if label not in names]
    return inputs, [*names, *sorted(label for label in flat if flat.count(label) == 1)]


def _summed(tensor: Any, labels: list[str], needed: set[str]) -> tuple[Any, list[str]]:
    """Sum over the axes that neither the other operand nor the result has."""
    import tensorflow as tf

    alone = [axis for axis, label in enumerate(labels) if label not in needed]
    tensor = reduced(tf.reduce_sum, tensor, alone, keepdims=False) if alone else tensor
    return tensor, [label for label in labels if label in needed]


def _transposed(tensor: Any, labels: list[str], wanted: list[str]) -> Any:
    import tensorflow as tf

    order = [labels.index(label) for label in wanted]
    value = tf.get_static_value(tensor)
    if value is not None:  # a constant stays one, which the `.pb` importer insists on
        return tf.constant(value.transpose(order))
    return tensor if labels == wanted else tf.transpose(tensor, order)


def _grouped(tensor: Any, groups: list[list[str]], sizes: dict[str, int]) -> Any:
    """Make one axis of each group but the first, whose axes stay apart while they are few."""
    import tensorflow as tf

    batch = [sizes[label] for label in groups[0]]
    batch = batch if len(batch) <= _MOST_BATCH_AXES else [prod(batch)]
    shape = [*batch, *(prod(sizes[label] for label in group) for group in groups[1:])]
    value = tf.get_static_value(tensor)
    if value is not None:
        return tf.constant(value.reshape(shape))
    return tensor if tensor.shape.as_list() == shape else tf.reshape(tensor, shape)


def _einsum(node: Any, inputs: Sequence[Any]) -> Any:
    return contract(node.attr["equation"].s.decode(), *inputs)


RULES = {"Einsum": _einsum}
