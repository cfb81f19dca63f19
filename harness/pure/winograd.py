"""OpenCV's fast convolution, and how far its rounding may be from an ordinary one's. Pure.

From 4.7 on the classic engine computes 3x3 convolutions of stride 1 on maps of 12x12 and more by Winograd's
F(6x6, 3x3): `Y = A^T [(G g G^T) * (B^T d B)] A` on tiles d of 8x8 (`modules/dnn/src/layers/cpu_kernels/`, matrices in
`conv_winograd_f63.simd.hpp` and `convolution.cpp`). The entries of the transforms reach 32 and cancel, and rounding
errors do not cancel with them. `Net.enableWinograd(False)` switches it off, in the classic engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.pure.compare import Difference
from harness.pure.tolerance import Tolerance

_G = np.array(
    [
        [1, 0, 0],
        [-2 / 9, -2 / 9, -2 / 9],
        [-2 / 9, 2 / 9, -2 / 9],
        [1 / 90, 1 / 45, 2 / 45],
        [1 / 90, -1 / 45, 2 / 45],
        [32 / 45, 16 / 45, 8 / 45],
        [32 / 45, -16 / 45, 8 / 45],
        [0, 0, 1],
    ]
)
_B = np.array(
    [
        [1, 0, -5.25, 0, 5.25, 0, -1, 0],
        [0, 1, 1, -4.25, -4.25, 1, 1, 0],
        [0, -1, 1, 4.25, -4.25, -1, 1, 0],
        [0, 0.5, 0.25, -2.5, -1.25, 2, 1, 0],
        [0, -0.5, 0.25, 2.5, -1.25, -2, 1, 0],
        [0, 2, 4, -2.5, -5, 0.5, 1, 0],
        [0, -2, 4, 2.5, -5, -0.5, 1, 0],
        [0, -1, 0, 5.25, 0, -5.25, 0, 1],
    ]
)
"""B^T, whose rows are applied to a tile."""
_A = np.array(
    [
        [1, 1, 1, 1, 1, 1, 1, 0],
        [0, 1, -1, 2, -2, 1 / 2, -1 / 2, 0],
        [0, 1, 1, 4, 4, 1 / 4, 1 / 4, 0],
        [0, 1, -1, 8, -8, 1 / 8, -1 / 8, 0],
        [0, 1, 1, 16, 16, 1 / 16, 1 / 16, 0],
        [0, 1, -1, 32, -32, 1 / 32, -1 / 32, 1],
    ]
)
"""A^T, whose rows give the six outputs."""


def _amplification() -> float:
    """Return by how much larger the rounding error is than an ordinary convolution's: root mean square, worst output.

    Each product is rounded on its own, so variances add up. With data and weights of unit variance the product i of
    one axis has variance |G_i|^2 |B_i|^2 and reaches output p by A_pi, while the output itself has variance 3, the
    number of taps. Both axes do the same, hence the square of the root.
    """
    products = (_G**2).sum(axis=1) * (_B**2).sum(axis=1)
    return float((_A**2 @ products / _G.shape[1]).max())


AMPLIFICATION = _amplification()
"""46.3; the mean over a tile's outputs is 20.6. (The bound for the worst case of all errors is 4.7 million.)"""


def concerns(ops: Mapping[str, int]) -> bool:
    """Whether a graph has convolutions, be they called Conv, Conv2D or CONV_2D."""
    return any("conv" in op.lower() for op in ops)


def explained(fast: Sequence[Difference], plain: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return the differences of a default run under the tolerance that Winograd deserves.

    Empty where Winograd is no explanation: the run without it (`plain`) differs as well, or more than its rounding
    amplifies is amiss.
    """
    widened = tuple(replace(difference, tolerance=_widened(difference.tolerance)) for difference in fast)
    return widened if all(difference.passed for difference in (*plain, *widened)) else ()


def caveat(fast: Sequence[Difference]) -> str:
    """Return what an `ok` rests on that Winograd explains: the differences of the default run, and the way out."""
    times = max(difference.margin for difference in fast)
    return (
        f"with Winograd's fast convolution, OpenCV's default, differences reach {times:.3g} times the tolerance, which "
        f"its rounding explains (up to {AMPLIFICATION:.3g} times); with enableWinograd(False) the classic engine agrees"
    )


def _widened(tolerance: Tolerance) -> Tolerance:
    why = f"{AMPLIFICATION:.3g} (Winograd F(6x6,3x3)) x {tolerance.why}"
    return Tolerance(allowed=AMPLIFICATION * tolerance.allowed, why=why)
