"""The zoo suite: every cell loads and agrees with TensorFlow, or fails as its expectation says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings, target

from harness.inputs import PROBES, InputPlan
from harness.plugin import expect
from harness.strategies import plans

if TYPE_CHECKING:
    from harness.lane import Cell, Lane
    from harness.session import Session


def test_support(cell: Cell, lane: Lane, dnn_session: Session) -> None:
    # Judged on fixed probes, before parity: a known failure inside @given would be shrunk for nothing.
    expect(dnn_session.judged(lane.judge(cell, PROBES)))


@pytest.mark.expected_ok
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors])
@given(plan=plans())
def test_parity(cell: Cell, lane: Lane, dnn_session: Session, plan: InputPlan) -> None:
    # The probes go along: that the outputs vary between inputs is part of the evidence.
    record = dnn_session.judged(lane.judge(cell, (plan, *PROBES)))
    if record.parity is not None and record.parity.margin is not None:
        target(record.parity.margin, label="error / allowed")
    expect(record)
