"""Parametrise the conformance suite from the zoo: one test a cell, named `case[route-release]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

import pytest

from harness.cells.lane import Lane
from harness.plugin import open_session
from harness.pure.inputs import PROBES
from harness.usecases.session import Plan

if TYPE_CHECKING:
    from harness.cells.subjects import Cell
    from harness.records import Record
    from harness.usecases.session import Session

Support = Callable[["Cell"], "Record"]


@cache
def _planned(config: pytest.Config) -> tuple[Plan, tuple[bool, ...]]:
    """Return the plan and, for each cell, whether it is expected to be ok."""
    with open_session(config) as session:
        plan = session.plan_zoo(config.getoption("dnn_tier") or "core")
        known = [session.expectations.find(cell) is not None for cell in plan.ids]
    return plan, tuple(not claim for claim in known)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `cell` every planned cell; to parity tests only those that are expected to work."""
    if "cell" not in metafunc.fixturenames:
        return
    plan, fine = _planned(metafunc.config)
    only_fine = metafunc.definition.get_closest_marker("expected_ok") is not None
    chosen = [cell for cell, ok in zip(plan.cells, fine, strict=True) if ok or not only_fine]
    metafunc.parametrize("cell", [_param(cell) for cell in chosen])


def _param(cell: Cell) -> object:
    # One worker of pytest-xdist takes all cells of a case, so that its model is built once.
    group = pytest.mark.xdist_group(cell.subject.id)
    return pytest.param(cell, id=f"{cell.subject.id}[{cell.route}-{cell.target.opencv}]", marks=group)


@pytest.fixture(scope="session")
def lane(dnn_session: Session) -> Iterator[Lane]:
    """Give this process's exporter and workers."""
    with dnn_session.lane() as lane:
        yield lane


@pytest.fixture(scope="session")
def support(lane: Lane, dnn_session: Session) -> Support:
    """Give a function that judges a cell on the probes, once in this process."""

    @cache
    def judge(cell: Cell) -> Record:
        return dnn_session.judged(lane.judge(cell, dnn_session.plans_for(cell, PROBES)))

    return judge
