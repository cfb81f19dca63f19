"""Reductions over many axes, neighbours or not."""

from __future__ import annotations

from itertools import product
from typing import Any

import tensorflow as tf

from tests.unit.export.graph_cases import RuleCase, table

_REDUCE = {
    "Mean": tf.reduce_mean,
    "Sum": tf.reduce_sum,
    "Max": tf.reduce_max,
    "Min": tf.reduce_min,
    "Prod": tf.reduce_prod,
}
_AXES = {
    "neighbours": (1, 2, 3),
    "apart": (0, 2, 4),
    "group_norm": (1, 2, 4),
    "two_runs": (0, 1, 3, 4),
    "all": (0, 1, 2, 3, 4),
    "negative": (-1, -3, 1),
}


def _cases(op: str, name: str, keepdims: bool) -> list[RuleCase]:
    def body(x: Any) -> Any:
        return _REDUCE[op](x, _AXES[name], keepdims=keepdims)

    # each Reduction of several axes is followed by one of a single axis for each run of neighbours
    runs = {"neighbours": 1, "apart": 3, "group_norm": 2, "two_runs": 2, "all": 1, "negative": 2}[name]
    return table(op, (2, 3, 2, 3, 4), lacks=(), has=((op, runs),))(**{f"{name}{'_kept' * keepdims}": body})


CASES = [
    *(case for name, keepdims in product(_AXES, (False, True)) for case in _cases("Mean", name, keepdims)),
    *(case for op in ("Sum", "Max", "Min", "Prod") for case in _cases(op, "group_norm", keepdims=False)),
    *(case for op in ("Sum", "Max", "Min", "Prod") for case in _cases(op, "two_runs", keepdims=True)),
]
LEFT_ALONE = table("Mean", (2, 3, 4, 5))(
    two_neighbours=lambda x: tf.reduce_mean(x, (1, 2)),
    two_apart=lambda x: tf.reduce_mean(x, (1, 3), keepdims=True),
)
