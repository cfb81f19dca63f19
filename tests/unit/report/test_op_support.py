from __future__ import annotations

from harness.records import Outcome
from harness.report.op_support import SUPPORTS, OpTally, Support, build_op_tables
from harness.report.spans import build_matrix
from harness.report.tabulate import build_report


def tables(samples, records):
    return build_op_tables(build_matrix(build_report(records, samples.info(len(records)))))


def test_an_op_is_counted_where_it_occurs_and_where_it_is_to_blame(samples):
    records = [
        samples.record("a", opencv="4.8", ops={"Conv": 2, "Erf": 1}, outcome=Outcome.UNSUPPORTED_OP, op="Erf"),
        samples.record("a", opencv="5.0", ops={"Conv": 2, "Erf": 1}),
        samples.record("b", opencv="4.8", ops={"Conv": 3, "Const": 9}),
        samples.record("b", opencv="5.0", ops={"Conv": 3, "Const": 9}),
    ]
    (table,) = tables(samples, records)
    rows = {row.op: row for row in table.rows}
    assert set(rows) == {"Conv", "Erf"}
    assert rows["Erf"].tallies == (OpTally(ok=0, of=1, blamed=1), OpTally(ok=1, of=1))
    assert rows["Conv"].tallies == (OpTally(ok=1, of=2), OpTally(ok=2, of=2))
    assert rows["Conv"].nodes == 5
    assert table.rows[0].op == "Erf"


def test_an_op_that_is_blamed_counts_though_the_graph_calls_it_otherwise(samples):
    record = samples.record(ops={"Conv": 1}, outcome=Outcome.UNSUPPORTED_OP, op="FusedConv")
    (table,) = tables(samples, [record])
    assert next(row for row in table.rows if row.op == "FusedConv").tallies == (OpTally(of=1, blamed=1),)


def test_absent_routes_say_nothing_about_an_op(samples):
    (table,) = tables(samples, [samples.record(ops={"CONV_2D": 1}, outcome=Outcome.ROUTE_ABSENT)])
    assert table.rows[0].tallies[0].support is Support.ABSENT


def test_runs_without_graphs_have_no_table(samples):
    assert tables(samples, [samples.record()]) == ()


def test_support_says_no_more_than_the_cases_show():
    assert OpTally(ok=3, of=3).support is Support.ALL
    assert OpTally(ok=2, of=3).support is Support.SOME
    assert OpTally(ok=2, of=3, blamed=1).support is Support.PARTLY
    assert OpTally(ok=0, of=3, blamed=1).support is Support.NONE
    assert OpTally(ok=0, of=3).support is Support.OPEN
    assert set(SUPPORTS) == set(Support)
