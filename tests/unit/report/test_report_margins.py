from __future__ import annotations

from dataclasses import replace

import pytest

from harness.records import Outcome
from harness.report.margins import write_margins


def table(text: str) -> list[dict[str, str]]:
    head, _rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture
def ran(samples):
    def ran(opencv: str, margins: list[float | None], **changes: object) -> list:
        return [
            samples.record(
                f"layers/{index}",
                opencv=opencv,
                parity=samples.parity(margin),
                outcome=Outcome.OK if margin is not None and margin <= 1 else Outcome.MISMATCH,
                **changes,
            )
            for index, margin in enumerate(margins)
        ]

    return ran


def test_percentiles_are_measured_values_and_the_worst_cell_has_its_name(ran):
    (row,) = table(write_margins(ran("5.0.0.93", [index / 1000 for index in range(1, 1001)])))
    assert (row["cells"], row["agree"], row["median"]) == ("1000", "100 %", "0.5")
    assert (row["90 %"], row["99 %"], row["99.9 %"], row["largest"]) == ("0.9", "0.99", "1", "1")
    assert row["whose"] == "layers/999"


def test_a_mismatch_lowers_the_share_that_agrees(ran):
    (row,) = table(write_margins(ran("5.0.0.93", [0.1, 0.2, 0.3, 40.0])))
    assert (row["agree"], row["largest"], row["whose"]) == ("75 %", "40", "layers/3")


def test_a_difference_without_bound_is_the_largest(ran):
    (row,) = table(write_margins(ran("5.0.0.93", [None, 40.0])))
    assert (row["agree"], row["largest"], row["whose"]) == ("0 %", "inf", "layers/0")


def test_rows_are_about_the_cells_that_every_target_computed(ran):
    other = ran("4.14.0.94", [0.5, 0.5, 0.5])
    other[1] = replace(other[1], outcome=Outcome.CRASH, parity=None)
    other[2] = replace(other[2], outcome=Outcome.VACUOUS)
    rows = table(write_margins([*ran("5.0.0.93", [0.1, 0.2, 0.3, 0.4]), *other]))
    assert [(row["target"].split()[0], row["cells"]) for row in rows] == [("4.14.0.94", "1"), ("5.0.0.93", "1")]


def test_engines_of_one_release_are_targets_of_their_own(ran):
    classic = [
        replace(record, target=replace(record.target, engine_asked="CLASSIC")) for record in ran("5.0.0.93", [0.2])
    ]
    rows = table(write_margins([*ran("5.0.0.93", [0.1]), *classic]))
    assert [row["target"] for row in rows] == ["5.0.0.93 CLASSIC opencv/cpu", "5.0.0.93 default opencv/cpu"]


def test_without_a_cell_that_all_computed_there_are_no_rows(ran):
    assert table(write_margins([])) == []
    apart = [replace(record, case="elsewhere") for record in ran("4.14.0.94", [0.1])]
    assert table(write_margins([*ran("5.0.0.93", [0.1]), *apart])) == []
