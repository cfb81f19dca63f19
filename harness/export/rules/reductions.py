"""Reductions over three axes and more, such as (1, 2, 4) in GroupNormalization or (1, 2, 3) of a volume.

Every OpenCV up to 5.0.0 reduces other elements then than it should, and says nothing. Neighbouring axes are made one,
and one is reduced after the other: a mean of means over groups of one size is the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod
from typing import Any

_FEW = 2
"""So many axes are reduced rightly, neighbours or not."""


def _reduction(name: str) -> Callable[[Any, Sequence[Any]], Any]:
    def rule(node: Any, inputs: Sequence[Any]) -> Any:
        import tensorflow as tf

        x, axes = inputs[0], tf.get_static_value(inputs[1])
        if axes is None or not x.shape.is_fully_defined():
            return None
        wanted = sorted({int(axis) % x.shape.rank for axis in axes.reshape(-1)})
        if len(wanted) <= _FEW:
            return None
        return reduced(getattr(tf, name), x, wanted, keepdims=node.attr["keep_dims"].b)

    return rule


def reduced(reduce: Callable[..., Any], x: Any, axes: list[int], *, keepdims: bool) -> Any:
    """Return the reduction over sorted axes: many are reduced one run of neighbours after the other."""
    import tensorflow as tf

    if len(axes) <= _FEW:
        return reduce(x, axes, keepdims=keepdims)
    for run in _runs(axes):
        shape = x.shape.as_list()
        merged = [*shape[: run[0]], prod(shape[run[0] : run[-1] + 1]), *shape[run[-1] + 1 :]]
        x = reduce(tf.reshape(x, merged), axis=run[0], keepdims=True)
        x = tf.reshape(x, [*shape[: run[0]], *[1] * len(run), *shape[run[-1] + 1 :]])
    return tf.reshape(x, [size for axis, size in enumerate(x.shape.as_list()) if keepdims or axis not in axes])


def _runs(axes: list[int]) -> list[list[int]]:
    """Split sorted axes into runs of neighbours."""
    breaks = [index + 1 for index, (one, other) in enumerate(pairwise(axes)) if other != one + 1]
    return [axes[start:end] for start, end in pairwise([0, *breaks, len(axes)])]


RULES = {
    "Mean": _reduction("reduce_mean"),
    "Sum": _reduction("reduce_sum"),
    "Max": _reduction("reduce_max"),
    "Min": _reduction("reduce_min"),
    "Prod": _reduction("reduce_prod"),
}
