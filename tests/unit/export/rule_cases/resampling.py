"""Images resized by filters: larger, smaller, in one direction alone."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.unit.export.graph_cases import RuleCase, table

_SIZES = {"up": (11, 17), "down": (3, 4), "both_ways": (12, 3), "rows": (10, 9), "columns": (7, 13)}
_filtered = table("ScaleAndTranslate", (2, 7, 9, 3), double=False)
_bicubic = table("ResizeBicubic", (2, 7, 9, 3), double=False)
_by_area = table("ResizeArea", (2, 7, 9, 3), double=False)


def _resize(method: str, size: tuple[int, int], antialias: bool) -> Any:
    return lambda x: tf.image.resize(x, size, method, antialias=antialias)


def _cubic(size: tuple[int, int], **options: bool) -> Any:
    return lambda x: tf.raw_ops.ResizeBicubic(images=x, size=size, **options)


def _filters() -> list[RuleCase]:
    cases = []
    for name, size in _SIZES.items():
        cases += _filtered(**{f"lanczos3_{name}": _resize("lanczos3", size, antialias=False)})
    for method in ("lanczos3", "lanczos5", "bilinear", "bicubic", "gaussian", "mitchellcubic"):
        cases += _filtered(**{f"{method}_antialias": _resize(method, (4, 5), antialias=True)})
    return cases + _filtered(lanczos5=_resize("lanczos5", (11, 4), antialias=False))


def _cubics() -> list[RuleCase]:
    cases = []
    for name, size in _SIZES.items():
        cases += _bicubic(**{name: _resize("bicubic", size, antialias=False)})
        cases += _bicubic(**{f"{name}_aligned": _cubic(size, align_corners=True, half_pixel_centers=False)})
        cases += _bicubic(**{f"{name}_legacy": _cubic(size, align_corners=False, half_pixel_centers=False)})
    return cases


def _area_of(x: Any, size: Any, align_corners: bool = False) -> Any:
    return tf.raw_ops.ResizeArea(images=x, size=size, align_corners=align_corners)


def _area(*size: int, align_corners: bool = False) -> Any:
    return lambda x: _area_of(x, size, align_corners)


def _areas() -> list[RuleCase]:
    sizes = {
        **_SIZES,
        "one_less": (6, 8),
        "one_more": (8, 10),
        "twice": (14, 18),
        "single": (1, 1),
        "single_row": (1, 9),
    }
    cases = []
    for name, size in sizes.items():
        cases += _by_area(**{name: _area(*size), f"{name}_aligned": _area(*size, align_corners=True)})
    cases += table("ResizeArea", (1, 12, 8, 2), double=False)(thirds=_area(4, 2), odd=_area(5, 3))
    cases += table("ResizeArea", (1, 1, 1, 2), double=False)(of_a_pixel=_area(3, 2))
    return cases + _by_area(
        same_size=lambda x: _area(7, 9)(x * 2),
        whole_numbers=lambda x: _area(3, 12)(tf.cast(x * 99, tf.int32)),
    )


def _moved(x: Any) -> Any:
    scale, translation = tf.constant([1.3, 0.6]), tf.constant([-1.5, 0.7])
    return tf.raw_ops.ScaleAndTranslate(
        images=x, size=(8, 6), scale=scale, translation=translation, kernel_type="triangle", antialias=True
    )


CASES = [*_filters(), *_cubics(), *_areas(), *_filtered(moved=_moved)]
LEFT_ALONE = [
    *_by_area(
        computed_size=lambda x: _area_of(x, tf.cast(x[0, 0, 0, :2] * 0, tf.int32) + 3),
        of_open_size=lambda x: _area_of(tf.boolean_mask(x, x[:, 0, 0, 0] > 0), (3, 4)),
    ),
]
