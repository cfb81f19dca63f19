from __future__ import annotations

from itertools import islice

from hypothesis import find, given, settings

from harness.pure.inputs import InputPlan, Kind
from harness.pure.strategies import ORDINARY, SCALES, further, plans


@given(plans())
def test_plans_are_ordinary(plan):
    assert plan.kind in ORDINARY
    assert plan.scale in SCALES
    assert plan.seed >= 0


def test_flushing_denormals_is_nobodys_fault():
    assert Kind.DENORMAL not in ORDINARY


def test_a_failure_shrinks_to_the_plainest_plan():
    calm = settings(database=None, derandomize=True)
    assert find(plans(), lambda _: True, settings=calm) == InputPlan(kind=Kind.RAMP, seed=0, scale=1.0)
    found = find(plans(), lambda plan: plan.kind in {Kind.IMAGE, Kind.SPARSE} and plan.seed >= 7, settings=calm)
    assert found == InputPlan(kind=Kind.IMAGE, seed=7, scale=1.0)


def test_every_ordinary_kind_and_scale_is_drawn():
    drawn: list[InputPlan] = []

    @settings(max_examples=300, database=None, derandomize=True)
    @given(plans())
    def draw(plan):
        drawn.append(plan)

    draw()
    assert {plan.kind for plan in drawn} == set(ORDINARY)
    assert {plan.scale for plan in drawn} == set(SCALES)


def test_further_plans_are_of_every_ordinary_kind_and_scale_and_fixed():
    found = list(islice(further("layers/conv2d/same"), 80))
    assert found == list(islice(further("layers/conv2d/same"), 80))
    assert len(set(found)) == 80
    assert {(plan.kind, plan.scale) for plan in found} == {(kind, scale) for kind in ORDINARY for scale in SCALES}


def test_every_case_gets_further_plans_of_its_own():
    assert set(islice(further("a"), 40)).isdisjoint(islice(further("b"), 40))
