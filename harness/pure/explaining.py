"""What a wrong output looks like: a layout taken for another, and where on it the error is. Pure.

Nothing here decides whether an output is right: `compare` has done so, and never by trying transpositions.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt

from harness.evidence import ErrorMap
from harness.manifests import Layout

Doubles = npt.NDArray[np.float64]

_MOST_AXES = 5
_IMAGE = "NHWC"
_TURNED = {Layout.AS_KERAS: (0, 1, 2, 3), Layout.NCHW: (0, 2, 3, 1)}
"""How an output of each documented layout was turned before it was compared (`blobs.to_keras`)."""
_MAP_CELLS = 24
_SPATIAL = {2: (0, 1), 3: (1, 2), 4: (1, 2), 5: (2, 3)}
"""Which axes of an output make the rows and columns of a map, by rank; images are NHWC, volumes NDHWC."""
_AXES = {2: "items x values", 3: "steps x features", 4: "height x width", 5: "height x width"}


def name_layout(got: Doubles, expected: Doubles, allowed: float, layout: Layout) -> str | None:
    """Say how a wrong output would be right: with its axes in another order, or its numbers in another; or None."""
    if not got.size or got.size != expected.size or not np.isfinite(got).all() or not np.isfinite(expected).all():
        return None
    if float(np.ptp(expected)) <= allowed:  # numbers that are all the same fit in any order
        return None
    for order in permutations(range(got.ndim)) if 2 <= got.ndim <= _MOST_AXES else ():
        turned = got.transpose(order)
        if order != tuple(range(got.ndim)) and turned.shape == expected.shape and _agree(turned, expected, allowed):
            return _in_words(order, layout)
    if got.shape != expected.shape and _agree(got.reshape(expected.shape), expected, allowed):
        return f"the numbers are right, in shape {list(got.shape)} for {list(expected.shape)}"
    if _agree(np.sort(got, axis=None), np.sort(expected, axis=None), allowed):
        return "the numbers are right, in another order: a layout was lost before a Flatten or Reshape"
    return None


def _agree(one: Doubles, other: Doubles, allowed: float) -> bool:
    return bool(np.max(np.abs(one - other)) <= allowed)


def _in_words(order: tuple[int, ...], layout: Layout) -> str:
    """Name the axes that OpenCV gave; `order` turns the output, as it was compared, into Keras's.

    >>> _in_words((0, 2, 3, 1), Layout.AS_KERAS)
    'the output is NCHW, documented NHWC'
    """
    if len(order) != len(_IMAGE):
        return f"the output's axes are those of Keras in the order {', '.join(map(str, np.argsort(order)))}"
    compared = dict(zip(order, _IMAGE, strict=True))
    given = {raw: compared[axis] for axis, raw in enumerate(_TURNED[layout])}
    documented = dict(zip(_TURNED[layout], _IMAGE, strict=True))
    found, stated = ("".join(letters[axis] for axis in range(len(_IMAGE))) for letters in (given, documented))
    return f"the output is {found}, documented {stated}"


def draw_error(got: Doubles, expected: Doubles, allowed: float) -> ErrorMap | None:
    """Return where the error is, of two arrays of one shape; None where there are no two places to tell apart."""
    if got.ndim not in _SPATIAL or got.size < 2:
        return None
    with np.errstate(invalid="ignore"):
        gaps = np.abs(got - expected)
    gaps[~np.isfinite(gaps) & ~((got == expected) | (np.isnan(got) & np.isnan(expected)))] = np.inf
    gaps[np.isnan(gaps)] = 0.0
    rows, columns = _SPATIAL[got.ndim]
    rest = tuple(axis for axis in range(got.ndim) if axis not in (rows, columns))
    flat = gaps.max(axis=rest) if rest else gaps
    small = _shrink(_shrink(flat, 0), 1)
    finite = small[np.isfinite(small)]
    largest = float(finite.max()) if finite.size else 0.0
    return ErrorMap(
        axes=_AXES[got.ndim],
        size=flat.shape,
        rows=tuple("".join(_character(value, allowed, largest) for value in row) for row in small),
    )


def _shrink(values: Doubles, axis: int) -> Doubles:
    """Reduce an axis to a picture's size by the maximum over blocks."""
    length = values.shape[axis]
    if length <= _MAP_CELLS:
        return values
    starts = np.linspace(0, length, _MAP_CELLS, endpoint=False).astype(int)
    return np.asarray(np.maximum.reduceat(values, starts, axis=axis))


def _character(value: float, allowed: float, largest: float) -> str:
    if not np.isfinite(value):
        return "x"
    if value <= allowed:
        return "0"
    return str(max(1, min(9, int(np.ceil(9 * value / largest)))))
