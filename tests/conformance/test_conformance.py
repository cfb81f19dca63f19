"""The zoo suite: every cell loads and agrees with TensorFlow, or fails as its expectation says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings, target
from hypothesis import strategies as st

from harness.cells.sizing import candidates, resized
from harness.plugin import expect
from harness.pure.inputs import PROBES, InputPlan
from harness.pure.strategies import plans

if TYPE_CHECKING:
    from harness.cells.lane import Lane
    from harness.cells.subjects import Cell
    from harness.usecases.session import Session
    from tests.conformance.conftest import Support

DRAWS = settings().max_examples // 25
"""A draw costs some milliseconds in OpenCV and, on a cold store, some more in TensorFlow: 4 draws in profile `ci`."""

MOST_SIZES = 10
"""Each one is another export."""


def test_support(cell: Cell, support: Support, request: pytest.FixtureRequest) -> None:
    expect(support(cell), node=request.node)


@pytest.mark.expected_ok
def test_parity(cell: Cell, support: Support, lane: Lane, dnn_session: Session, request: pytest.FixtureRequest) -> None:
    # Support first: a failure that every input shows would be shrunk for nothing inside @given.
    expect(support(cell), node=request.node)

    @settings(max_examples=DRAWS)
    @given(plan=plans())
    def agrees(plan: InputPlan) -> None:
        # Two probes go along: that the outputs vary between inputs is part of the evidence.
        record = dnn_session.judged(lane.judge(cell, (plan, *PROBES[:2]), properties=False))
        if record.parity is not None and record.parity.margin is not None:
            target(record.parity.margin, label="error / allowed")
        expect(record, node=request.node, drawn=plan)

    agrees()


@pytest.mark.expected_ok
@pytest.mark.other_sizes
def test_other_sizes(cell: Cell, lane: Lane, dnn_session: Session, request: pytest.FixtureRequest) -> None:
    info = lane.library.info(cell.subject)
    if not candidates(info):
        pytest.skip("the model has one size")
    expect(dnn_session.judged(lane.judge(cell, PROBES, properties=False)), node=request.node)

    @settings(max_examples=min(DRAWS, MOST_SIZES))
    @given(sizes=st.fixed_dictionaries({size: st.sampled_from(others) for size, others in candidates(info).items()}))
    def agrees(sizes: dict[int, int]) -> None:
        expect(
            dnn_session.judged(
                lane.judge(replace(cell, subject=resized(cell.subject, info, sizes)), PROBES, properties=False)
            )
        )

    agrees()
