"""Einsum: the forms that attention makes of it, and those that are harder to get right."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.unit.export.graph_cases import RuleCase, table

_FORMS: dict[str, tuple[str, tuple[int, ...], tuple[int, ...], str]] = {
    "queries_keys": ("aecd,abcd->acbe", (2, 5, 3, 4), (2, 6, 3, 4), "BatchMatMulV2"),
    "weights_values": ("acbe,aecd->abcd", (2, 3, 6, 5), (2, 5, 3, 4), "BatchMatMulV2"),
    "projection": ("abc,cde->abde", (2, 5, 4), (4, 3, 6), "MatMul"),
    "projection_back": ("abcd,cde->abe", (2, 5, 3, 4), (3, 4, 6), "MatMul"),
    "ellipsis_left": ("...ij,jk->...ik", (2, 3, 5, 4), (4, 6), "MatMul"),
    "ellipsis_right": ("ij,...jk->...ik", (5, 4), (2, 3, 4, 6), "MatMul"),
    "ellipsis_both": ("...ij,...jk->...ik", (2, 3, 5, 4), (2, 3, 4, 6), "BatchMatMulV2"),
    "ellipsis_of_other_ranks": ("...ij,...jk->...ik", (2, 3, 5, 4), (3, 4, 6), "BatchMatMulV2"),
    "ellipsis_at_the_end": ("i...,j...->ji...", (5, 2, 3), (4, 2, 3), "BatchMatMulV2"),
    "three_batch_axes": ("abcde,abcef->abcdf", (2, 3, 2, 4, 5), (2, 3, 2, 5, 6), "BatchMatMulV2"),
    "sums_apart": ("abcx,cdy->abd", (2, 3, 4, 5), (4, 6, 3), "MatMul"),
    "sums_of_three": ("axbyz,bc->ac", (2, 3, 4, 2, 3), (4, 5), "MatMul"),
    "outer": ("ab,cd->abcd", (2, 3), (4, 5), "MatMul"),
    "outer_mixed": ("ab,cd->cadb", (2, 3), (4, 5), "MatMul"),
    "outer_of_batches": ("ab,ac->acb", (2, 3), (2, 4), "BatchMatMulV2"),
    "transposed": ("ij,jk->ki", (3, 4), (4, 5), "MatMul"),
    "batches_swapped": ("abij,abjk->kbai", (2, 3, 4, 5), (2, 3, 5, 6), "BatchMatMulV2"),
    "elementwise": ("abc,acb->bca", (2, 3, 4), (2, 4, 3), "BatchMatMulV2"),
    "dot": ("ab,ab->", (3, 4), (3, 4), "MatMul"),
    "two_inner_axes": ("aij,bji->ab", (2, 3, 4), (5, 4, 3), "MatMul"),
    "one_inner_of_one": ("ab,bc->ac", (3, 1), (1, 5), "MatMul"),
}


def _binary(name: str, equation: str, left: tuple[int, ...], right: tuple[int, ...], product: str) -> list[RuleCase]:
    def body(x: Any, y: Any) -> Any:
        return tf.einsum(equation, x, y)

    return table("Einsum", left, right, has=((product, 1),))(**{name: body})


def _unary(name: str, equation: str, **options: Any) -> list[RuleCase]:
    def body(x: Any) -> Any:
        return tf.einsum(equation, x)

    return table("Einsum", (2, 3, 4, 5), **options)(**{name: body})


def _raw(equation: str) -> Any:
    return lambda *tensors: tf.raw_ops.Einsum(inputs=list(tensors), equation=equation)


CASES = [
    *(case for name, form in _FORMS.items() for case in _binary(name, *form)),
    *_unary("turned", "abcd->dbac"),
    *_unary("summed", "abcd->db"),
    *_unary("summed_over_three", "abcd->b", has=(("Sum", 2),)),  # OpenCV cannot sum over three at once
    *_unary("summed_over_all", "abcd->", has=(("Sum", 1), ("Reshape", 3))),
    *_unary("ellipsis", "...cd->d..."),
]
LEFT_ALONE = [
    *table("Einsum", (4, 4))(diagonal=_raw("ii->i"), trace=_raw("ii->")),
    *table("Einsum", (3, 4, 4), (4, 5))(repeated=_raw("aii,ib->ab")),
    *table("Einsum", (2, 1, 3, 4), (2, 5, 4, 6))(broadcast=_raw("...ij,...jk->...ik")),
]
