"""Other sizes for models that leave height and width open: within half and double of the one exported. Pure.

Equal sizes stay equal, over all inputs, so that what a model adds or joins still fits. Sizes keep the power of two
that they are multiples of, up to 32: what is halved five times and joined again must come out even.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.cells.subjects import Subject
from harness.evidence import Property
from harness.manifests import ModelInfo
from harness.properties import Name
from harness.records import Outcome, Record

_LARGEST_STEP = 32
_SAYS_NOTHING = frozenset(
    {Outcome.EXPORT_FAILED, Outcome.NO_REFERENCE, Outcome.HARNESS_ERROR, Outcome.ROUTE_ABSENT, Outcome.VACUOUS}
)
"""Outcomes at another size that are not about OpenCV: a model may refuse a size, whatever its Input layer says."""


def candidates(info: ModelInfo) -> dict[int, tuple[int, ...]]:
    """Return, for each size at an open axis, the others to try, nearest first; empty where no axis is open."""
    sizes = {
        size
        for spec, axes in zip(info.inputs, info.open_axes, strict=False)
        for axis in axes
        if (size := spec.shape[axis])
    }
    return {size: found for size in sorted(sizes) if (found := _others(size))}


def _others(size: int) -> tuple[int, ...]:
    step = min(size & -size, _LARGEST_STEP)
    near = (other for other in range(step, 2 * size + 1, step) if 2 * other >= size and other != size)
    return tuple(sorted(near, key=lambda other: (abs(other - size), other)))


def farthest(info: ModelInfo) -> dict[int, int]:
    """Return one other size for each, unlike one another: the largest and the smallest by turns."""
    return {size: (max if place % 2 else min)(others) for place, (size, others) in enumerate(candidates(info).items())}


def shapes_at(info: ModelInfo, sizes: Mapping[int, int]) -> tuple[tuple[int, ...], ...]:
    """Return the input shapes with other sizes at the open axes."""
    return tuple(
        tuple(sizes.get(size, size) if axis in axes and size else (size or 1) for axis, size in enumerate(spec.shape))
        for spec, axes in zip(info.inputs, info.open_axes, strict=True)
    )


def resized(subject: Subject, info: ModelInfo, sizes: Mapping[int, int]) -> Subject:
    """Return the same model at another size, without its pictures, which have theirs."""
    return replace(subject, picture=None, source=replace(subject.source, input_shapes=shapes_at(info, sizes)))


def with_other_size(record: Record, other: Record, shapes: tuple[tuple[int, ...], ...]) -> Record:
    """Return a record with the property that tells what became of the cell at another size."""
    if other.outcome in _SAYS_NOTHING:
        return record
    where = "; ".join(",".join(map(str, shape)) for shape in shapes)
    held = other.outcome is Outcome.OK
    message = f"agrees at {where}" if held else f"at {where}: {other.outcome}: {other.message}"
    found = Property(name=Name.OTHER_SIZE.value, held=held, message=message)
    return replace(record, properties=(*record.properties, found))
