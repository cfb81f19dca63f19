"""Products of all that came before."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.unit.export.graph_cases import table


def _along(axis: int, *, exclusive: bool = False, reverse: bool = False) -> Any:
    return lambda x: tf.math.cumprod(x, axis, exclusive=exclusive, reverse=reverse)


CASES = [
    *table("Cumprod", (2, 5, 7))(
        first=_along(0),
        middle=_along(1),
        last=_along(-1),
        exclusive=_along(1, exclusive=True),
        backwards=_along(2, reverse=True),
        exclusive_backwards=_along(-1, exclusive=True, reverse=True),
    ),
    *table("Cumprod", (1, 8))(of_one=_along(0), exclusive_of_one=_along(0, exclusive=True), of_eight=_along(1)),
]
LEFT_ALONE = table("Cumprod", (9,))(of_open_size=lambda x: tf.math.cumprod(tf.boolean_mask(x, x > 0)))
