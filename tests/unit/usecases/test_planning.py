from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cells.subjects import Cell, Subject
from harness.errors import UsageError
from harness.records import Target
from harness.sources import Source, SourceKind
from harness.usecases.planning import Plan, Share, cell_id, longest_first, parse_share


def cell(case, route="onnx", opencv="5.0.0.93"):
    source = Source(kind=SourceKind.CASE, location=case)
    return Cell(subject=Subject(id=case, source=source), route=route, target=Target(opencv=opencv), environment=opencv)


CASES = [f"layers/dense/{number}" for number in range(40)]


@given(of=st.integers(1, 9), cases=st.sets(st.text(max_size=20), max_size=40))
def test_every_case_is_in_exactly_one_part(of, cases):
    shares = [Share(number=number, of=of) for number in range(1, of + 1)]
    assert all(sum(share.has(case) for share in shares) == 1 for case in cases)


def test_a_case_stays_in_its_part_for_all_time():
    """Other machines and later releases must agree: these are written down, not computed."""
    assert [case[-2:] for case in CASES if Share(number=2, of=3).has(case)] == EXPECTED


EXPECTED = ["/0", "/2", "/3", "/7", "/8", "/9", *["10", "12", "14", "22", "27", "28", "31", "33", "36", "38"]]


def test_a_part_of_a_plan_has_its_cases_whole_and_its_share_of_what_is_left_out():
    plan = Plan(
        cells=tuple(cell(case, route) for case in CASES for route in ("pb", "onnx")),
        left_out=tuple((f"{case}-x", "needs much") for case in CASES),
    )
    parts = [plan.part(Share(number=number, of=3)) for number in (1, 2, 3)]
    assert sorted(map(str, [name for part in parts for name in part.ids])) == sorted(map(str, plan.ids))
    assert sum(len(part.left_out) for part in parts) == len(CASES)
    assert all(len(part.cells) == 2 * len({one.subject.id for one in part.cells}) for part in parts)
    assert [str(part.share) for part in parts] == ["1/3", "2/3", "3/3"]


@pytest.mark.parametrize("text", ["", "0/3", "4/3", "1/0", "1", "a/b", "1/3/4", "-1/3", "1 /3"])
def test_what_is_no_part_is_refused_with_what_to_write(text):
    with pytest.raises(UsageError, match=r"is no part of a whole; write for example 2/3"):
        parse_share(text)
    assert parse_share("2/3") == Share(number=2, of=3)


def test_the_longest_are_worked_on_first_and_the_unknown_before_them():
    took = {cell_id(cell("a")): 1.0, cell_id(cell("a", "pb")): 1.5, cell_id(cell("b")): 2.0, cell_id(cell("c")): 9.0}
    cells = [cell("b"), cell("a"), cell("new"), cell("c"), cell("a", "pb")]
    groups = longest_first(cells, took.get)
    assert [[str(cell_id(one)).split(",")[0] for one in group] for group in groups] == [
        ["new [onnx"],
        ["c [onnx"],
        ["a [onnx", "a [pb"],
        ["b [onnx"],
    ]
