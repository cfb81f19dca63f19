from __future__ import annotations

import threading

import pytest

from harness.cells.subjects import Cell, Subject
from harness.records import Target
from harness.sources import Source, SourceKind
from harness.usecases.sharing import WORTH_HELP, Group

SUBJECT = Subject(id="a", source=Source(kind=SourceKind.CASE, location="a"))


def cells(releases: int, *routes: str) -> list[Cell]:
    return [
        Cell(subject=SUBJECT, route=route, target=Target(opencv=f"4.{release}"), environment=f"4.{release}")
        for route in routes
        for release in range(releases)
    ]


def named(found) -> list[str]:
    return [f"{cell.route} {cell.environment}" for cell in found]


def test_alone_a_lane_begins_with_each_route_s_first_cell_and_then_goes_on_in_order():
    found = named(Group(cells(3, "pb", "onnx")).own())
    assert found == ["pb 4.0", "onnx 4.0", "pb 4.1", "pb 4.2", "onnx 4.1", "onnx 4.2"]


def test_help_comes_from_the_far_end_of_routes_that_are_exported():
    group = Group(cells(9, "pb", "onnx"))
    own, help_ = group.own(), group.help()
    assert named([next(own), next(own)]) == ["pb 4.0", "onnx 4.0"]  # which says that the first is exported
    assert named([next(help_), next(help_)]) == ["pb 4.8", "pb 4.7"]
    assert named([next(own)]) == ["pb 4.1"]
    assert named([next(help_)]) == ["onnx 4.8"]
    rest = named(own)
    assert (rest[0], rest[-1]) == ("pb 4.2", "onnx 4.7")
    assert list(help_) == []


@pytest.mark.parametrize(("releases", "helped"), [(WORTH_HELP + 1, 0), (WORTH_HELP + 2, 1), (WORTH_HELP + 4, 3)])
def test_what_little_is_left_is_left_to_the_lane_that_has_begun(releases, helped):
    group = Group(cells(releases, "pb"))
    own = group.own()
    next(own), next(own)  # the second was the first of the rest
    assert len(list(group.help())) == helped


def test_a_helper_waits_for_the_first_export_and_not_after_an_error():
    group = Group(cells(20, "pb"))
    own, found = group.own(), []
    next(own)
    helper = threading.Thread(target=lambda: found.extend(group.help()), daemon=True)
    helper.start()
    helper.join(0.1)
    assert (helper.is_alive(), found) == (True, [])
    own.close()  # as where its lane has raised
    helper.join(20)
    assert (helper.is_alive(), found) == (False, [])


def test_every_cell_is_worked_on_once():
    planned = cells(40, "pb", "onnx", "tflite")
    group, lanes = Group(planned), []

    def work(turn):
        lanes.append(list(turn()))

    threads = [threading.Thread(target=work, args=(turn,)) for turn in (group.own, group.help, group.help)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(named(cell for lane in lanes for cell in lane)) == sorted(named(planned))
