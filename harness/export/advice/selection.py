"""The largest of several, in order, by comparing all with all: for tens of values, not for thousands."""

from __future__ import annotations

from typing import Any

from harness.export.advice.ways import Code, Way

_RANKED = """
        def ranked(x):
            # a row for each place in the order: 1 at the value that belongs there, equal ones as they come
            n = x.shape[-1]
            mine, other = ops.expand_dims(x, -1), ops.expand_dims(x, -2)
            earlier = np.tril(np.ones((n, n), "float32"), -1)
            ahead = ops.cast(other > mine, "float32") + ops.cast(ops.equal(other, mine), "float32") * earlier
            rank = ops.expand_dims(ops.sum(ahead, axis=-1), -2)
            places = np.arange(n, dtype="float32").reshape(n, 1)
            return ops.maximum(1.0 - ops.abs(rank - places), 0.0)
"""


def _sort(maker: Any) -> str | None:
    if maker.axis != -1:
        return None
    return (
        _RANKED
        + """
        def replacement(x):
            return ops.matmul(ranked(-x), ops.expand_dims(x, -1))[..., 0]
    """
    )


def _argsort(maker: Any) -> str | None:
    if maker.axis != -1:
        return None
    return (
        _RANKED
        + """
        def replacement(x):
            places = np.arange(x.shape[-1], dtype="float32").reshape(-1, 1)
            return ops.cast(ops.round(ops.matmul(ranked(-x), places)[..., 0]), "int32")
    """
    )


def _top_k(maker: Any) -> str | None:
    return (
        _RANKED
        + f"""
        def replacement(x):
            chosen = ranked(x)[..., :{maker.k}, :]
            places = np.arange(x.shape[-1], dtype="float32").reshape(-1, 1)
            values = ops.matmul(chosen, ops.expand_dims(x, -1))[..., 0]
            return values, ops.cast(ops.round(ops.matmul(chosen, places)[..., 0]), "int32")
    """
    )


def _argmax(sign: str) -> Code:
    def code(maker: Any) -> str | None:
        if maker.axis != -1 or maker.keepdims:
            return None
        return f"""
        def replacement(x):
            n = x.shape[-1]
            x = {sign}x
            hits = ops.cast(x >= ops.max(x, axis=-1, keepdims=True), "float32")
            first = np.arange(n, 0, -1).astype("float32")
            return ops.cast(n - ops.max(hits * first, axis=-1), "int32")
    """

    return code


WAYS = (
    Way(
        name="selection/sort-by-comparisons", says="compare all with all and pick by products", of=("Sort",), code=_sort
    ),
    Way(
        name="selection/argsort-by-comparisons",
        says="compare all with all and count",
        of=("Argsort",),
        code=_argsort,
    ),
    Way(
        name="selection/top-k-by-comparisons",
        says="compare all with all and pick by products",
        of=("TopK",),
        code=_top_k,
    ),
    Way(
        name="selection/argmax-by-comparison",
        says="find the first that is the largest",
        of=("Argmax",),
        code=_argmax(""),
    ),
    Way(
        name="selection/argmin-by-comparison",
        says="find the first that is the least",
        of=("Argmin",),
        code=_argmax("-"),
    ),
)
