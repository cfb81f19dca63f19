from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.records import Judgement, Outcome, Target
from harness.report.model import Column
from harness.report.tabulate import build_report, cell_id


def test_counts_add_up(samples):
    records = [*samples.one_of_each(), samples.record("more/ok"), samples.record("more/crash", outcome=Outcome.CRASH)]
    report = build_report(records, samples.info(len(records)))
    assert report.reported == len(records) == sum(report.outcomes.values())
    assert report.outcomes[Outcome.OK] == 2
    assert report.outcomes[Outcome.CRASH] == 2
    assert report.judgements[Judgement.AS_EXPECTED] == len(records)
    assert len(report.attention) + len(report.known) + len(report.passing) == len(records)
    assert report.cases == len(records)
    assert report.complete


def test_every_outcome_has_a_rank(samples):
    report = build_report(samples.one_of_each(), samples.info(0))
    assert set(report.outcomes) == set(Outcome)
    assert next(iter(report.outcomes)) is Outcome.OK


def test_wrong_numbers_rank_before_crashes_and_larger_margins_first(samples):
    failures = [
        samples.record("a", outcome=Outcome.CRASH),
        samples.record("b", outcome=Outcome.MISMATCH, parity=samples.parity(1e4)),
        samples.record("c", outcome=Outcome.MISMATCH, parity=samples.parity(1e6)),
        samples.record("d", outcome=Outcome.MISMATCH, parity=samples.parity(None)),
        samples.record("e", outcome=Outcome.ROUTE_ABSENT),
    ]
    report = build_report(failures, samples.info(5))
    assert [cell.record.case for cell in report.known] == ["d", "c", "b", "a", "e"]


def test_new_failures_rank_before_worse_known_ones(samples):
    report = build_report(
        [
            samples.record("a", outcome=Outcome.HARNESS_ERROR, judgement=Judgement.CHANGED_FAILURE),
            samples.record("b", outcome=Outcome.NO_REFERENCE, judgement=Judgement.NEW_FAILURE),
            samples.record("c", outcome=Outcome.CRASH, judgement=None),
            samples.record("d", judgement=Judgement.FIXED),
        ],
        samples.info(4),
    )
    assert [cell.record.case for cell in report.attention] == ["b", "a", "c", "d"]


def test_unjudged_failure_needs_attention_and_an_absent_route_does_not(samples):
    report = build_report(
        [
            samples.record("a", outcome=Outcome.TIMEOUT, judgement=None),
            samples.record("b", outcome=Outcome.ROUTE_ABSENT, judgement=None),
            samples.record("c", judgement=None),
        ],
        samples.info(3),
    )
    assert [cell.record.case for cell in report.attention] == ["a"]
    assert report.unjudged == 3


def test_last_record_of_a_cell_counts_and_the_others_are_told(samples):
    first = samples.record("a", outcome=Outcome.CRASH)
    report = build_report([first, samples.record("a")], samples.info(1))
    assert report.outcomes == {Outcome.OK: 1}
    assert report.repeated == 1
    assert report.complete


def test_columns_are_ordered_by_release_engine_and_the_runs_own_route_order(samples):
    records = [
        samples.record(route=route, opencv=release)
        for route in ("zzz", "tflite", "pb", "onnx")
        for release in ("4.14.0.94", "4.9.0.80", "/opt/cv/bin/python")
    ]
    report = build_report(records, samples.info(len(records)))
    assert [column.opencv for column in report.columns[::4]] == ["/opt/cv/bin/python", "4.9.0.80", "4.14.0.94"]
    assert [column.route for column in report.columns[:4]] == ["pb", "onnx", "tflite", "zzz"]
    assert [len(place.ways) for place in report.places] == [4, 4, 4]


def test_a_case_not_run_in_a_column_leaves_a_gap(samples):
    report = build_report([samples.record("f/a"), samples.record("f/b", route="pb")], samples.info(2))
    (family,) = report.families
    assert family.name == "f"
    assert [[cell is None for cell in row.cells] for row in family.rows] == [[True, False], [False, True]]


def test_rates_leave_absent_routes_out(samples):
    records = [
        samples.record("f/a"),
        samples.record("f/b", outcome=Outcome.CRASH),
        samples.record("f/c", outcome=Outcome.ROUTE_ABSENT),
    ]
    ((summary,),) = (place.ways for place in build_report(records, samples.info(3)).places)
    assert (summary.rate.ok, summary.rate.tried) == (1, 2)


def test_a_kind_of_cases_has_the_rates_of_its_families_and_of_the_best_way(samples):
    records = [
        samples.record("layers/a/one"),
        samples.record("layers/a/one", route="pb", outcome=Outcome.CRASH),
        samples.record("layers/b/two", outcome=Outcome.MISMATCH),
        samples.record("layers/b/two", route="pb", outcome=Outcome.ROUTE_ABSENT),
        samples.record("blocks/c"),
    ]
    report = build_report([replace(record, family="") for record in records], samples.info(5))
    columns = {column.route: index for index, column in enumerate(report.columns)}
    found = {
        row.name: [(rate.ok, rate.tried) for rate in (row.rates[columns["onnx"]], row.rates[columns["pb"]], *row.best)]
        for row in report.rates
    }
    assert found == {
        "blocks": [(1, 1), (0, 0), (1, 1)],
        "layers": [(1, 2), (0, 1), (1, 2)],
        "layers/a": [(1, 1), (0, 1), (1, 1)],
        "layers/b": [(0, 1), (0, 0), (0, 1)],
    }
    assert [row.name for row in report.rates if row.is_kind] == ["blocks", "layers"]


def test_largest_ok_margin_ignores_cells_that_are_wrong(samples):
    records = [
        samples.record("a", parity=samples.parity(0.5), latency=samples.latency(1.0)),
        samples.record("b", parity=samples.parity(0.7), latency=samples.latency(3.0)),
        samples.record("c", parity=samples.parity(9e5), outcome=Outcome.MISMATCH),
    ]
    ((summary,),) = (place.ways for place in build_report(records, samples.info(3)).places)
    assert summary.worst_ok_margin == 0.7
    assert summary.latency_ms == 2.0


def test_engines_asked_for_are_columns_of_their_own_and_a_fallback_is_seen(samples):
    target = Target(opencv="5.0.0", engine_asked="new", engine_used="classic")
    records = [samples.record(), replace(samples.record(), target=target)]
    report = build_report(records, samples.info(2))
    assert [cell.engine_differs for cell in report.passing] == [True, False]


def test_blame_is_the_most_precise_thing_known(samples):
    record = samples.record(outcome=Outcome.CRASH, signal="SIGSEGV", stage=None)
    named = replace(record, case="b", op="Einsum", layer="attention")
    report = build_report([record, named], samples.info(2))
    assert {cell.record.case: cell.blame for cell in report.known} == {record.case: "SIGSEGV", "b": "Einsum"}


@given(st.text(), st.text(), st.text())
def test_cell_ids_are_safe_and_stable(case: str, route: str, engine: str):
    column = Column(opencv="5.0.0", engine=engine, backend="opencv/cpu", route=route)
    assert re.fullmatch(r"c-[a-z0-9-]*", cell_id(case, column))
    assert cell_id(case, column) == cell_id(case, column)


def test_cells_that_look_alike_have_ids_of_their_own():
    column = Column(opencv="5.0.0", engine="new", backend="opencv/cpu", route="pb")
    assert len({cell_id(case, column) for case in ("a/b", "a-b", "A/B", "a b", "ä/b")}) == 5
