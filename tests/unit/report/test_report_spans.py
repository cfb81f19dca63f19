from __future__ import annotations

from harness.records import Judgement, Outcome, Target
from harness.report.spans import Gap, build_matrix
from harness.report.tabulate import build_report

RELEASES = ("4.5.5.64", "4.10.0.84", "4.14.0.94", "5.0.0.93")


def matrix_of(samples, records):
    return build_matrix(build_report(records, samples.info(len(records))))


def spans_of(samples, records):
    (line,) = matrix_of(samples, records).lines
    return [(part.releases, part.outcome) if not isinstance(part, Gap) else part.width for part in line.ways[0]]


def test_neighbouring_releases_that_answer_alike_are_one_span(samples):
    outcomes = (Outcome.CRASH, Outcome.OK, Outcome.OK, Outcome.CRASH)
    records = [samples.record(opencv=name, outcome=one) for name, one in zip(RELEASES, outcomes, strict=True)]
    assert spans_of(samples, records) == [
        ("4.5.5.64", Outcome.CRASH),
        ("4.10.0.84 to 4.14.0.94", Outcome.OK),
        ("5.0.0.93", Outcome.CRASH),
    ]


def test_failures_are_alike_only_where_the_same_is_to_blame(samples):
    ops = ("Erf", "Erf", "Gelu", "Gelu")
    records = [
        samples.record(opencv=name, outcome=Outcome.UNSUPPORTED_OP, op=op, layer="gelu")
        for name, op in zip(RELEASES, ops, strict=True)
    ]
    assert [releases for releases, _ in spans_of(samples, records)] == [
        "4.5.5.64 to 4.10.0.84",
        "4.14.0.94 to 5.0.0.93",
    ]


def test_what_needs_attention_is_never_hidden_among_what_does_not(samples):
    records = [samples.record(opencv=name, outcome=Outcome.CRASH) for name in RELEASES]
    records[2] = samples.record(opencv=RELEASES[2], outcome=Outcome.CRASH, judgement=Judgement.NEW_FAILURE)
    (line,) = matrix_of(samples, records).lines
    assert [span.attention for span in line.spans] == [False, True, False]


def test_releases_on_which_a_case_was_not_run_are_a_gap(samples):
    records = [samples.record("b", opencv=name) for name in RELEASES]
    records += [samples.record("a", opencv=RELEASES[3])]
    lines = {line.case: line for line in matrix_of(samples, records).lines}
    assert lines["a"].ways[0][0] == Gap(width=3)
    assert lines["a"].ways[0][1].first == 3


def test_every_cell_is_in_exactly_one_span(samples):
    records = [
        samples.record(case, route=route, opencv=name, target=Target(opencv=name, engine_asked=engine))
        for case in ("a", "b")
        for route in ("pb", "onnx")
        for name in RELEASES
        for engine in ("default", "CLASSIC")
    ]
    matrix = matrix_of(samples, records)
    assert sum(len(span.cells) for span in matrix.spans) == len(records)
    assert [way.name for way in matrix.ways] == ["pb", "pb CLASSIC", "onnx", "onnx CLASSIC"]
    assert matrix.releases == RELEASES
    assert matrix.width == 16


def test_the_margin_of_a_span_is_its_largest_and_nothing_where_one_is_not_finite(samples):
    def record(name, margin):
        return samples.record(opencv=name, outcome=Outcome.MISMATCH, parity=samples.parity(margin))

    (line,) = matrix_of(samples, [record("4.8", 5.0), record("4.9", 7.0)]).lines
    assert line.spans[0].margin == 7.0
    (line,) = matrix_of(samples, [record("4.8", 5.0), record("4.9", None)]).lines
    assert line.spans[0].margin is None


def test_messages_that_differ_are_told_by_release_newest_first(samples):
    messages = ("old words", "new words", "new words")
    records = [
        samples.record(opencv=name, outcome=Outcome.CRASH, message=words)
        for name, words in zip(RELEASES, messages, strict=False)
    ]
    (line,) = matrix_of(samples, records).lines
    assert line.spans[0].messages == (("4.10.0.84 to 4.14.0.94", "new words"), ("4.5.5.64", "old words"))


def test_a_familys_rate_is_that_of_the_newest_release(samples):
    records = [
        samples.record("f/a", opencv="4.8", outcome=Outcome.CRASH),
        samples.record("f/a", opencv="5.0"),
        samples.record("f/b", opencv="5.0", outcome=Outcome.CRASH),
    ]
    (family,) = matrix_of(samples, records).families
    assert (family.rates[0].ok, family.rates[0].tried) == (1, 2)
