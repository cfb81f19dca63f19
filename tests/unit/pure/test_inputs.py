from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.manifests import TensorSpec
from harness.pure.inputs import PROBES, SPECIAL, InputPlan, Kind, digest, expand, is_odd, parse_ordinary

PLANS = st.builds(
    InputPlan,
    kind=st.sampled_from(Kind),
    seed=st.integers(0, 2**40),
    scale=st.floats(min_value=1e-6, max_value=1e3),
    items=st.integers(1, 9),
)
ODD = {plan.kind for plan in SPECIAL}
SHAPES = st.lists(st.one_of(st.none(), st.integers(1, 5)), max_size=4).map(tuple)
LIMITS = st.one_of(st.none(), st.integers(-40, 40))
IMAGE = TensorSpec(name="x", shape=(1, 24, 40, 3))


@st.composite
def specs(draw: st.DrawFn) -> TensorSpec:
    low, high = draw(LIMITS), draw(LIMITS)
    assume(low is None or high is None or low <= high)
    dtype = draw(st.sampled_from(["float32", "float64", "float16", "int32", "int64", "uint8", "bool"]))
    if dtype == "uint8":
        low, high = (None if limit is None else abs(limit) for limit in (low, high))
        assume(low is None or high is None or low <= high)
    return TensorSpec(name="t", shape=draw(SHAPES), dtype=dtype, low=low, high=high)


@given(PLANS)
def test_the_printed_plan_reproduces_it(plan):
    assert InputPlan.parse(str(plan)) == plan


@pytest.mark.parametrize(
    "text", ["", "uniform", "uniform:seed=1", "noise:seed=1:scale=1.0", "ramp:seed=x:scale=1", "a:b:c:d", "::"]
)
def test_a_text_that_is_no_plan_is_the_users_error(text):
    with pytest.raises(UsageError, match=r"write one like"):
        InputPlan.parse(text)


def test_a_line_of_before_there_were_batches_still_reads():
    assert InputPlan.parse("uniform:seed=3:scale=0.5") == InputPlan(kind=Kind.UNIFORM, seed=3, scale=0.5, items=1)
    assert str(InputPlan(kind=Kind.UNIFORM, seed=3, items=3)) == "uniform:seed=3:scale=1.0:items=3"
    assert "items" not in str(InputPlan(kind=Kind.UNIFORM, seed=3))


@pytest.mark.parametrize("items", ["0", "-1", "1.5", "many", "99999999", "2:items=2"])
def test_a_batch_of_no_size_is_the_users_error(items):
    with pytest.raises(UsageError, match=r"write one like"):
        InputPlan.parse(f"uniform:seed=1:scale=1.0:items={items}")


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in ODD])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_every_item_of_a_batch_is_a_plan_of_its_own_with_other_values(kind, dtype):
    spec = replace(IMAGE, dtype=dtype)
    plan = InputPlan(kind=kind, seed=6, items=4)
    assert plan.each[0] == replace(plan, items=1)
    assert all(item.items == 1 and InputPlan.parse(str(item)) == item for item in plan.each)
    arrays = [expand(item, [spec])[0] for item in plan.each]
    assert len({digest([array]) for array in arrays}) == 4
    np.testing.assert_array_equal(arrays[0], expand(plan, [spec])[0])


@pytest.mark.parametrize("plan", SPECIAL, ids=lambda plan: plan.kind)
def test_a_special_input_is_odd_in_a_few_places_only_and_only_where_it_may_be(plan):
    (array,) = expand(plan, [IMAGE])
    assert is_odd(plan, array)
    if plan.kind is not Kind.DENORMAL:
        assert 0 < np.count_nonzero(~np.isfinite(array)) < 5
    for other in (replace(IMAGE, dtype="int32"), replace(IMAGE, low=0, high=1), replace(IMAGE, dtype="bool")):
        assert not is_odd(plan, *expand(plan, [other]))
    assert is_odd(plan, *expand(plan, [TensorSpec(name="x", shape=())]))
    assert not any(is_odd(plan, *expand(probe, [IMAGE])) for probe in PROBES)


def test_agreement_is_demanded_on_ordinary_inputs_only():
    assert parse_ordinary("ramp:seed=1:scale=1.0") == InputPlan(seed=1)
    for plan in SPECIAL:
        with pytest.raises(UsageError, match="never decide"):
            parse_ordinary(str(plan))


@pytest.mark.parametrize("scale", ["nan", "inf", "-inf"])
def test_a_scale_that_is_no_number_is_the_users_error(scale):
    with pytest.raises(UsageError, match=scale):
        InputPlan.parse(f"uniform:seed=1:scale={scale}")


@settings(deadline=None)
@given(PLANS, st.lists(specs(), min_size=1, max_size=3))
def test_a_plan_expands_to_the_promised_shapes_and_types_and_always_the_same(plan, wanted):
    arrays = expand(plan, wanted)
    again = expand(plan, wanted)
    for spec, array, twin in zip(wanted, arrays, again, strict=True):
        assert isinstance(array, np.ndarray)
        assert array.dtype == spec.dtype
        assert array.shape == tuple(1 if axis is None else axis for axis in spec.shape)
        np.testing.assert_array_equal(array, twin)
    assert digest(arrays) == digest(again)


@settings(deadline=None)
@given(PLANS, specs())
def test_values_stay_within_the_admissible_range(plan, spec):
    assume(spec.dtype != "bool" and plan.kind not in ODD)
    (array,) = expand(plan, [spec])
    values = array.astype(np.float64)
    assert not np.isnan(values).any()
    if spec.low is not None:
        assert values.min() >= spec.low
    if spec.high is not None:
        assert values.max() <= spec.high


@given(PLANS, st.integers(0, 30_000))
def test_token_ids_reach_any_vocabulary(plan, high):
    (ids,) = expand(plan, [TensorSpec(name="ids", shape=(2, 50), dtype="int32", low=0, high=high)])
    assert 0 <= ids.min() <= ids.max() <= high


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.CONSTANT])
def test_an_input_is_not_one_value_everywhere(kind):
    (array,) = expand(InputPlan(kind=kind, seed=5), [IMAGE])
    assert len(np.unique(array)) >= 2


@pytest.mark.parametrize("kind", [Kind.RAMP, Kind.UNIFORM, Kind.NORMAL, Kind.IMAGE])
def test_the_rich_kinds_have_as_many_values_as_a_picture(kind):
    """Where hypothesis fills an array element by element, a picture has some forty distinct values."""
    (array,) = expand(InputPlan(kind=kind, seed=5), [IMAGE])
    assert len(np.unique(array)) > 150
    assert array.std() > 0.05


def test_neighbours_in_an_image_resemble_each_other_and_noise_does_not():
    def roughness(kind: Kind) -> float:
        (array,) = expand(InputPlan(kind=kind, seed=3), [IMAGE])
        return float(np.abs(np.diff(array, axis=1)).mean() / array.std())

    assert roughness(Kind.IMAGE) < 0.75 * roughness(Kind.UNIFORM)


def test_an_image_is_eight_bits_deep_between_nought_and_one():
    (array,) = expand(InputPlan(kind=Kind.IMAGE, seed=3), [IMAGE])
    assert (array.min(), array.max()) == (0.0, 1.0)
    np.testing.assert_allclose(array * 255, np.round(array * 255), atol=1e-4)


def test_one_hot_is_one_everywhere_else_nought():
    (array,) = expand(InputPlan(kind=Kind.ONE_HOT, seed=3), [IMAGE])
    assert (array.sum(), np.count_nonzero(array)) == (1.0, 1)


def test_denormals_are_denormal():
    (array,) = expand(InputPlan(kind=Kind.DENORMAL, seed=3), [IMAGE])
    assert 0 < np.abs(array).max() < np.finfo(np.float32).tiny


def test_the_scale_scales_and_the_seed_seeds():
    base, doubled, other = (
        expand(InputPlan(kind=Kind.NORMAL, seed=seed, scale=scale), [IMAGE])[0]
        for seed, scale in ((4, 1.0), (4, 2.0), (5, 1.0))
    )
    np.testing.assert_allclose(doubled, base * 2)
    assert not np.array_equal(other, base)


def test_two_inputs_of_one_model_differ():
    first, second = expand(InputPlan(kind=Kind.UNIFORM), [IMAGE, IMAGE])
    assert not np.array_equal(first, second)


def test_squeezing_into_a_range_keeps_the_variety():
    spec = TensorSpec(name="x", shape=(1, 24, 40, 3), low=0, high=1)
    (array,) = expand(InputPlan(kind=Kind.NORMAL, seed=1, scale=1.0), [spec])
    assert len(np.unique(array)) > 2000


def test_these_bits_are_frozen_for_good():
    """References are stored by the digest of their input: other bits would orphan every stored one."""
    tokens = TensorSpec(name="ids", shape=(1, 24), dtype="int32", low=0, high=99)
    assert digest(expand(PROBES[0], [IMAGE])) == "250fff8eed0b51a67a663e44ae0067a9"
    assert digest(expand(PROBES[0], [tokens])) == "2ed91fe2b585ba089dd6e67d71f0d7e9"


@pytest.mark.parametrize(
    "other",
    [
        np.zeros((2, 3), np.float64),
        np.zeros((3, 2), np.float32),
        np.zeros((6,), np.float32),
        np.array([[0, 0, 0], [0, 0, 1e-45]], np.float32),
        np.zeros((2, 3), np.int32),
        np.array([[0, 0, 0], [0, 0, -0.0]], np.float32),
    ],
)
def test_a_digest_tells_values_shapes_and_dtypes_apart(other):
    zeros = np.zeros((2, 3), np.float32)
    assert digest([zeros]) != digest([other])
    assert digest([zeros, other]) != digest([other, zeros])


def test_a_digest_is_of_values_and_not_of_strides():
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert digest([array.T]) == digest([np.ascontiguousarray(array.T)])


def test_the_probes_are_unlike_one_another():
    arrays = [expand(plan, [IMAGE])[0] for plan in PROBES]
    for index, array in enumerate(arrays):
        for other in arrays[index + 1 :]:
            assert abs(np.corrcoef(array.ravel(), other.ravel())[0, 1]) < 0.2


def test_arrays_are_handed_out_again_where_they_are_small_and_never_to_be_written_to():
    plan = InputPlan(kind=Kind.NORMAL, seed=7)
    for side, again in ((8, True), (2000, False)):
        specs = [TensorSpec(name="x", shape=(None, side, side))]
        one, other = expand(plan, specs)[0], expand(plan, specs)[0]
        assert (one is other) is again
        assert not one.flags.writeable
        np.testing.assert_array_equal(one, other)
