"""A cell a little beyond its tolerance: before it counts as wrong, TensorFlow is asked for more of its rounding.

E is the largest of three samples: the float64 twin and two inputs moved by one ulp. Where a network multiplies its
roundings (EfficientNet's gates, squeezed from means over whole images), samples differ fiftyfold from one input to the
next, and three may be lucky together. Then another order of summation is beyond a tolerance that ought to be wider.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.cells.feeding import Input
from harness.cells.library import Library
from harness.cells.subjects import Subject
from harness.pure.compare import Difference
from harness.pure.tolerance import Reference

NEAR = 32.0
"""Tolerances within which a cell is doubted; wrong networks begin at thousands (docs/tolerance.md) and cost nothing."""


def doubted(
    library: Library,
    subject: Subject,
    inputs: Sequence[Input],
    references: Sequence[tuple[Reference, ...]],
    differences: Sequence[Difference],
) -> list[tuple[Reference, ...]]:
    """Return the references, those of inputs a little beyond their tolerance with what more moves show.

    `differences` are those of every input, port by port; `references` those of the inputs that are given alone. Where
    one is far beyond, there are none. Raises HarnessError where TensorFlow fails.
    """
    if not all(one.same_shape and one.margin <= NEAR for one in differences):
        return []
    known = list(references)
    for place in sorted(_beyond(inputs, differences)):
        noise = library.rounding(subject, inputs[place].keras)
        known[place] = tuple(map(_noisier, known[place], noise))
    return known


def _beyond(inputs: Sequence[Input], differences: Sequence[Difference]) -> set[int]:
    """Return the places of the inputs beyond their tolerance, alone or among others."""
    ports = len(differences) // len(inputs)
    beyond = {place // ports for place, difference in enumerate(differences) if not difference.passed}
    return {item for place in beyond for item in (inputs[place].batch_of or (place,))}


def _noisier(reference: Reference, noise: float) -> Reference:
    if noise <= reference.noise:
        return reference
    more = "more of them, and means summed one after another, as it was a little beyond these"
    return replace(reference, noise=noise, why=f"{reference.why}, {more}")
