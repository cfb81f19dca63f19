"""Static shapes: what is exported where a model leaves axes open. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.errors import ModelRejectedError
from harness.manifests import TensorSpec

_OPEN_AXES = {2: (8,), 3: (16,), 4: (96, 128), 5: (16, 24, 32)}
"""Sizes given to open axes after the batch, by rank: unequal, and multiples of 32 where images are usual, so that
networks with five halvings fit and a mistaken transposition cannot hide."""
_DTYPES = {"float16", "bfloat16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"}


def make_static(
    specs: Sequence[TensorSpec], asked: Sequence[tuple[int, ...]]
) -> tuple[tuple[TensorSpec, ...], tuple[str, ...]]:
    """Return the input specs with every axis known, and notes that say what was chosen.

    Raises ModelRejectedError for shapes that do not fit, and for inputs that no blob can carry.
    """
    if not specs:
        raise ModelRejectedError("the model has no inputs, so there is nothing to feed OpenCV; give it an Input layer")
    if asked and len(asked) != len(specs):
        raise ModelRejectedError(
            f"{len(asked)} input shapes were given but the model has {len(specs)} inputs "
            f"({', '.join(spec.name for spec in specs)}); give one for each, in this order"
        )
    notes: list[str] = []
    found = [
        _fit(spec, asked[index]) if asked else _choose(spec, notes) for index, spec in enumerate(map(_supported, specs))
    ]
    return tuple(found), tuple(notes)


def _supported(spec: TensorSpec) -> TensorSpec:
    if spec.dtype not in _DTYPES:
        raise ModelRejectedError(
            f"input {spec.name!r} is of dtype {spec.dtype}, which no OpenCV blob can carry; "
            "cut the model after the part that reads it and pass numbers"
        )
    return spec


def _fit(spec: TensorSpec, asked: tuple[int, ...]) -> TensorSpec:
    fits = len(asked) == len(spec.shape) and all(
        axis in (None, size) for axis, size in zip(spec.shape, asked, strict=True)
    )
    if not fits:
        raise ModelRejectedError(
            f"input shape {_text(asked)} does not fit input {spec.name!r}, which takes {_text(spec.shape)}; "
            "pass --input-shape with the batch axis first"
        )
    return replace(spec, shape=asked)


def _choose(spec: TensorSpec, notes: list[str]) -> TensorSpec:
    if not spec.shape:
        return spec
    batch, *rest = spec.shape
    if rest and rest[-1] is None and len(rest) > 1:
        raise ModelRejectedError(
            f"input {spec.name!r} leaves its channels open ({_text(spec.shape)}); pass --input-shape"
        )
    sizes = iter(_OPEN_AXES.get(len(spec.shape), ()))
    shape = (1 if batch is None else batch, *(next(sizes, 16) if axis is None else axis for axis in rest))
    if None in rest:
        notes.append(f"input {spec.name!r} leaves axes open ({_text(spec.shape)}): exported as {_text(shape)}")
    return replace(spec, shape=shape)


def _text(shape: Sequence[int | None]) -> str:
    return f"({', '.join('?' if axis is None else str(axis) for axis in shape)})"
