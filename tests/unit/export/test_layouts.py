"""The rules of OpenCV's `.pb` and `.tflite` importers, as values."""

from __future__ import annotations

import pytest

from harness.export.layouts import Step, Tensors, layout_of
from harness.manifests import Layout


def graph(*steps: tuple[str, tuple[int, ...] | None], last_rank: int = 4, first_rank: int = 4) -> Tensors:
    """A chain x -> t0 -> t1 ...; every tensor has rank 4 but the first and the last."""
    names = ["x", *(f"t{index}" for index in range(len(steps)))]
    ranks = dict.fromkeys(names, 4) | {"x": first_rank, names[-1]: last_rank}
    made = {
        name: Step(op=op, source=source, permutation=permutation)
        for name, source, (op, permutation) in zip(names[1:], names, steps, strict=False)
    }
    return Tensors(steps=made, ranks=ranks)


CONV, RELU = ("Conv2D", None), ("Relu", None)
TO_NCHW, TO_NHWC, TO_NWHC = ("Transpose", (0, 3, 1, 2)), ("Transpose", (0, 2, 3, 1)), ("Transpose", (0, 2, 1, 3))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((CONV,), Layout.NCHW),
        ((RELU,), Layout.NCHW),
        ((CONV, TO_NCHW), Layout.AS_KERAS),
        ((CONV, TO_NCHW, RELU), Layout.AS_KERAS),
        ((CONV, TO_NCHW, RELU, TO_NHWC), Layout.NCHW),
        ((CONV, TO_NWHC), Layout.NCHW),
        ((TO_NCHW, CONV), Layout.NCHW),
    ],
)
def test_layout_follows_the_tensor(steps, expected):
    assert layout_of(f"t{len(steps) - 1}", graph(*steps)) is expected


@pytest.mark.parametrize("op", ["Reshape", "RESHAPE"])
def test_a_reshape_to_rank_4_keeps_the_order_of_the_graph(op):
    assert layout_of("t0", graph((op, None), first_rank=2)) is Layout.AS_KERAS
    assert layout_of("t1", graph((op, None), RELU, first_rank=2)) is Layout.AS_KERAS
    assert layout_of("t0", graph((op, None))) is Layout.NCHW


@pytest.mark.parametrize("rank", [1, 2, 3, 5])
def test_other_ranks_are_as_keras_has_them(rank):
    assert layout_of("t0", graph(CONV, last_rank=rank)) is Layout.AS_KERAS
    assert layout_of("x", graph(first_rank=rank, last_rank=rank)) is Layout.AS_KERAS
