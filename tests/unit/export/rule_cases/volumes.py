"""Transposed convolutions of volumes, by stride, padding and size."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import table


def _transposed(
    strides: int | tuple[int, ...], padding: str, *sizes: int, taps: tuple[int, int, int] = (3, 3, 3)
) -> Any:
    weights = np.random.RandomState(4).randn(*taps, 5, 2)
    return lambda x: tf.nn.conv3d_transpose(x, tf.constant(weights, x.dtype), (2, *sizes, 5), strides, padding)


_VOLUME = (2, 3, 4, 5, 2)

CASES = [
    *table("Conv3DBackpropInputV2", _VOLUME, has=(("Conv3D", 1),))(
        same=_transposed(2, "SAME", 6, 8, 10),
        same_odd=_transposed(2, "SAME", 5, 7, 9),
        valid=_transposed(2, "VALID", 7, 9, 11),
        valid_longer=_transposed(2, "VALID", 8, 10, 12),
        plain=_transposed(1, "SAME", 3, 4, 5),
        unequal=_transposed((1, 3, 2), "SAME", 3, 12, 10, taps=(1, 4, 3)),
        even_taps=_transposed(2, "SAME", 6, 8, 10, taps=(2, 2, 2)),
        farther_than_taps=_transposed(3, "VALID", 9, 12, 15, taps=(2, 2, 2)),
    ),
]
LEFT_ALONE = [
    *table("Conv3DBackpropInputV2", _VOLUME, (2, 2, 2, 5, 2))(
        computed_kernel=lambda x, kernel: tf.nn.conv3d_transpose(x, kernel, (2, 6, 8, 10, 5), 2)
    ),
]
