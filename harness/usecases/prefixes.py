"""Where a model fails by a route that takes whole Keras models only: it is shortened until it works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.cells.lane import Lane
from harness.cells.subjects import Cell
from harness.errors import HarnessError
from harness.pure.inputs import PROBES, InputPlan
from harness.records import LayerVerdict, Outcome, Record

_HARMLESS = frozenset({Outcome.OK, Outcome.VACUOUS})


def first_failing_end(lane: Lane, cell: Cell, record: Record, plans: Sequence[InputPlan]) -> LayerVerdict | None:
    """Return the first layer such that the model up to it fails, found by halving; None where none can be told.

    For functional and sequential models, whose layers have an order.
    """
    sequence = lane.library.info(cell.subject).sequence
    worst = [plan for plan in plans if record.parity is not None and str(plan) == record.parity.worst_input]
    tried: dict[int, Record | None] = {}

    def up_to(place: int) -> Record | None:
        if place not in tried:
            tried[place] = _judged(lane, cell, sequence[place].name, (*PROBES, *worst))
        return tried[place]

    low, high = 0, len(sequence) - 1
    while low < high:
        middle = (low + high) // 2
        found = up_to(middle)
        if found is not None and found.outcome not in _HARMLESS:
            high = middle
        else:
            low = middle + 1
    if not sequence:
        return None
    last = up_to(high)
    if last is None or last.outcome in _HARMLESS:
        return None
    return LayerVerdict(
        name=sequence[high].name,
        class_=sequence[high].class_,
        outcome=last.outcome,
        op=last.op,
        stage=last.stage,
        message=f"the model up to this layer fails, and up to the one before it does not: {last.message or ''}",
    )


def _judged(lane: Lane, cell: Cell, layer: str, plans: Sequence[InputPlan]) -> Record | None:
    """Return what becomes of the model up to a layer; None where it cannot be ended there."""
    try:
        return lane.judge(
            replace(cell, subject=replace(cell.subject.up_to(layer), picture=None)),
            plans,
            properties=False,
            locate=False,
        )
    except HarnessError:
        return None
