from __future__ import annotations

import sqlite3

import pytest

from harness.effects.history import Deadlines, History
from harness.records import CellId, Outcome, Record, Target
from harness.timings import Latency, Timing

MOST = Deadlines(load=60.0, forward=60.0)


def record(opencv="5.0.0.93", load_ms=1000.0, p95=2.0, outcome=Outcome.OK, **seconds):
    timing = Timing(min=1.0, median=1.5, p95=p95, n=3)
    return Record(
        case="nets/a",
        route="onnx",
        target=Target(opencv=opencv),
        outcome=outcome,
        latency=Latency(load_ms=load_ms, forward_ms=timing),
        seconds=seconds,
    )


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store" / "history.sqlite"


def test_what_is_not_known_has_no_seconds_and_the_usual_deadlines(file):
    cell = CellId.of(record())
    assert History(file).seconds(cell) is None
    assert History(file).deadlines(cell, most=MOST) == MOST
    assert not file.exists()


def test_the_time_of_a_cell_is_remembered_without_its_exports(file):
    History(file).add([record(export=100.0, opencv_=0.0, compare=0.5, locate=2.0) for _ in range(2)])
    assert History(file).seconds(CellId.of(record())) == 2.5


def test_the_last_time_counts(file):
    history = History(file)
    history.add([record(compare=1.0)])
    history.add([record(compare=3.0)])
    assert History(file).seconds(CellId.of(record())) == 3.0


def test_deadlines_are_many_times_what_the_same_file_took_on_any_release(file):
    History(file).add([record("4.14.0.94", load_ms=1000.0, p95=400.0), record("4.9.0.80", load_ms=500.0, p95=1.0)])
    assert History(file).deadlines(CellId.of(record("5.0.0.93")), most=MOST) == Deadlines(load=50.0, forward=20.0)


def test_deadlines_are_neither_too_short_for_a_busy_machine_nor_longer_than_allowed(file):
    History(file).add([record(load_ms=0.1, p95=9000.0)])
    assert History(file).deadlines(CellId.of(record()), most=MOST) == Deadlines(load=10.0, forward=60.0)


def test_what_failed_says_nothing_about_deadlines(file):
    History(file).add([record(load_ms=59_000.0, outcome=Outcome.MISMATCH, opencv_=1.0)])
    assert History(file).deadlines(CellId.of(record()), most=MOST) == MOST


def test_a_file_that_is_no_database_costs_nothing(file):
    file.parent.mkdir()
    file.write_bytes(b"no database" * 100)
    History(file).add([record()])
    assert History(file).seconds(CellId.of(record())) is None
    file.unlink()
    with sqlite3.connect(file) as other:
        other.execute("create table cells (x)")
    other.close()
    assert History(file).seconds(CellId.of(record())) is None


def test_a_place_that_cannot_be_written_costs_nothing(tmp_path):
    (tmp_path / "file").touch()
    history = History(tmp_path / "file" / "history.sqlite")
    history.add([record()])
    assert history.seconds(CellId.of(record())) is None
