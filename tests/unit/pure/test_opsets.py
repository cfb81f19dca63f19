from __future__ import annotations

import pytest

from harness.pure.opsets import SWEPT, sweep
from harness.records import Outcome, Record, Target


def record(outcome: Outcome, opset: int, message: str | None = None) -> Record:
    target = Target(opencv="4.6.0.66")
    return Record(case="net", route="onnx", target=target, outcome=outcome, opset=opset, message=message)


def swept(first: Outcome, *others: Outcome, message: str | None = "no Foo") -> tuple[Record, list[int]]:
    """Sweep over as many opsets as there are other outcomes; returns which were tried as well."""
    tried = []

    def attempt(opset: int) -> Record:
        tried.append(opset)
        return record(others[opset - 20], opset)

    return sweep(record(first, 13, message), range(20, 20 + len(others)), attempt), tried


def test_what_works_is_not_swept():
    found, tried = swept(Outcome.OK, Outcome.OK)
    assert (found.opset, tried) == (13, [])


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - SWEPT))
def test_what_no_opset_could_change_is_not_swept(outcome):
    found, tried = swept(outcome, Outcome.OK)
    assert (found.outcome, found.message, tried) == (outcome, "no Foo", [])


def test_outcomes_about_the_form_of_the_graph_are_swept():
    untold = {Outcome.OK, Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.ROUTE_ABSENT, Outcome.VACUOUS}
    assert set(Outcome) - untold - {Outcome.NO_REFERENCE, Outcome.HARNESS_ERROR} == SWEPT


@pytest.mark.parametrize("outcome", sorted(SWEPT))
def test_the_first_that_works_is_taken_and_ends_the_sweep(outcome):
    found, tried = swept(outcome, Outcome.CRASH, Outcome.OK, Outcome.OK)
    assert (found.outcome, found.opset, found.message) == (Outcome.OK, 21, None)
    assert tried == [20, 21]


def test_where_none_works_the_first_stands_and_names_the_others():
    found, tried = swept(Outcome.MISMATCH, Outcome.CRASH, Outcome.TIMEOUT)
    assert (found.outcome, found.opset, tried) == (Outcome.MISMATCH, 13, [20, 21])
    assert found.message == "no Foo\nother opsets fail as well: 20 crash, 21 timeout"
    silent, _ = swept(Outcome.MISMATCH, Outcome.CRASH, message=None)
    assert silent.message == "other opsets fail as well: 20 crash"


def test_a_route_without_opsets_is_left_as_it_is():
    found, _ = swept(Outcome.CRASH)
    assert found.message == "no Foo"
