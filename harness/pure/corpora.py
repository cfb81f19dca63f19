"""The inputs that every cell is fed with, the same ones in every run.

Hypothesis is imported when it draws: who only reads plans is spared it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from harness.pure.inputs import PROBES, InputPlan


@cache
def corpus(draws: int) -> tuple[InputPlan, ...]:
    """Return the fixed probes and `draws` plans that hypothesis draws the same way every time.

    Fixed, so that a warm store holds every reference a run asks for and TensorFlow need not start.
    """
    from hypothesis import HealthCheck, Phase, given, settings

    from harness.pure.strategies import plans

    drawn: list[InputPlan] = []

    @settings(
        max_examples=4 * draws + 4,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(plans())
    def collect(plan: InputPlan) -> None:
        if plan not in drawn and plan not in PROBES:
            drawn.append(plan)

    if draws:
        collect()
    return PROBES + _one_batch(drawn[:draws])


def _one_batch(drawn: Sequence[InputPlan]) -> tuple[InputPlan, ...]:
    """Leave several items to the first plan that has them: each item costs a reference."""
    first = next((plan for plan in drawn if plan.items > 1), None)
    return tuple(plan if plan is first else replace(plan, items=1) for plan in drawn)
