"""Transposed convolutions whose padding is uneven, or whose kernel reaches farther or less far than the result."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.export.graph_cases import table


def _transposed(
    kernel: tuple[int, int], size: tuple[int, int], strides: Any, padding: Any = "SAME", dilations: Any = 1
) -> Any:
    weights = np.random.RandomState(sum(kernel)).randn(*kernel, 4, 3)

    def body(x: Any) -> Any:
        shape = (x.shape[0], *size, 4)
        return tf.nn.conv2d_transpose(x, tf.constant(weights, x.dtype), shape, strides, padding, dilations=dilations)

    return body


_deconvolved = table("Conv2DBackpropInput", (2, 5, 7, 3), lacks=())
_dilated = table("Conv2DBackpropInput", (2, 5, 7, 3), lacks=(), compiled=True)

CASES = [
    *_deconvolved(
        same_uneven=_transposed((3, 3), (10, 14), 2),
        same_uneven_in_rows=_transposed((3, 4), (10, 14), 2),
        same_even_kernel=_transposed((2, 4), (5, 7), 1),
        same_shorter=_transposed((4, 5), (9, 20), (2, 3)),
        same_stride_beyond_kernel=_transposed((2, 1), (15, 21), 3),
        same_stride_beyond_kernel_in_columns=_transposed((4, 2), (10, 28), (2, 4)),
        valid_output_padding=_transposed((3, 3), (12, 16), 2, "VALID"),
        valid_output_padding_in_columns=_transposed((3, 2), (11, 21), (2, 3), "VALID"),
        valid_stride_beyond_kernel=_transposed((1, 2), (14, 27), (3, 4), "VALID"),
    ),
    *_dilated(
        dilated_same=_transposed((3, 2), (5, 7), 1, dilations=(2, 3)),
        dilated_valid=_transposed((3, 2), (9, 10), 1, "VALID", dilations=(2, 3)),
        dilated_natural=_transposed((3, 3), (5, 7), 1, dilations=2),
        dilated_uneven=_transposed((2, 4), (5, 7), 1, dilations=(3, 1)),
    ),
]
LEFT_ALONE = [
    *_deconvolved(
        same_even=_transposed((4, 4), (10, 14), 2),
        same_natural=_transposed((3, 5), (5, 7), 1),
        valid=_transposed((3, 4), (11, 16), 2, "VALID"),
        explicit=_transposed((3, 3), (10, 14), 2, [[0, 0], [1, 0], [1, 0], [0, 0]]),
    ),
]
