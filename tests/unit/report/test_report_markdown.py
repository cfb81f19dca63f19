from __future__ import annotations

import re

import pytest

from harness.records import Judgement, Outcome
from harness.report import words, write_markdown
from harness.report.markdown import code, text


def columns(row: str) -> int:
    """Count the cells GitHub sees: pipes split, even inside code, unless escaped."""
    return len(re.findall(r"(?<!\\)\|", row)) - 1


def test_every_outcome_is_counted(samples):
    summary = write_markdown(samples.one_of_each(), samples.info(len(Outcome)))
    for outcome, word in words.OUTCOMES.items():
        assert f"| {word.symbol} {outcome} | 1 | 7 % |" in summary


def test_worst_comes_first(samples):
    records = [
        samples.record("a/known", outcome=Outcome.CRASH),
        samples.record("b/new", outcome=Outcome.UNSUPPORTED_OP, judgement=Judgement.NEW_FAILURE),
    ]
    summary = write_markdown(records, samples.info(2))
    assert summary.index("b/new") < summary.index("a/known")
    assert "**1 of 2 cells need attention.**" in summary


def test_hostile_text_keeps_every_table_in_shape(samples):
    summary = write_markdown([samples.hostile_record()], samples.info(1, title=samples.hostile))
    head = 0
    for row in summary.splitlines():
        if row.startswith("|"):
            head = head or columns(row)
            assert columns(row) == head, row
        else:
            head = 0
    assert "\x1b" not in summary
    assert "\u202e" not in summary
    summary.encode("utf-8")


def test_text_is_not_markup_outside_code(samples):
    summary = write_markdown([samples.hostile_record()], samples.info(1, host=samples.hostile))
    outside = re.sub(r"(`+).*?\1(?!`)", "", summary)
    assert "<script" not in outside.replace(r"\<", "")
    assert "[a](b)" not in outside


@pytest.mark.parametrize("limit", [500, 2_000, 20_000, 900_000])
def test_summary_stays_within_its_limit(samples, limit: int):
    records = [
        samples.record(f"läyers/{index}", outcome=Outcome.CRASH, message="ü" * 400, judgement=Judgement.NEW_FAILURE)
        for index in range(1500)
    ]
    summary = write_markdown(records, samples.info(1500), limit_bytes=limit)
    assert len(summary.encode()) <= limit
    left = 1500 - sum(row.startswith("| new-failure") for row in summary.splitlines())
    if left:
        assert f"{left:,} rows of “Needs attention”; " in summary.splitlines()[-1]
    assert "all 1,500 rows of “Matrix”" in summary.splitlines()[-1]


def test_short_summary_is_whole(samples):
    assert "Cut to stay" not in write_markdown(samples.one_of_each(), samples.info(len(Outcome)))


def test_planned_that_is_not_reported_is_loud(samples):
    summary = write_markdown([samples.record()], samples.info(4, missing=("layers/gone [pb]",)))
    assert "> [!CAUTION]" in summary
    assert "4 cells were planned, 1 have a record" in summary
    assert "layers/gone [pb]" in summary
    assert "[!CAUTION]" not in write_markdown([samples.record()], samples.info(1))


def test_failures_carry_their_reproduce_command(samples):
    record = samples.record(outcome=Outcome.TIMEOUT, reproduce="dnn-harness run --zoo 'a|b'")
    assert r"`dnn-harness run --zoo 'a\|b'`" in write_markdown([record], samples.info(1))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [("a`b", "``a`b``"), ("`a", "`` `a ``"), ("a\nb", "`a b`"), ("", "\N{EN DASH}"), ("a|b", r"`a\|b`")],
)
def test_code_spans(raw: str, shown: str):
    assert code(raw) == shown


def test_text_escapes_what_markdown_would_read():
    assert text("*a* <b> #1 @me") == r"\*a\* \<b\> \#1 \@me"


def test_cells_with_a_broken_property_are_counted_whatever_their_outcome(samples):
    records = [samples.record(f"a/{name}", properties=samples.properties()) for name in "bc"]
    summary = write_markdown([*records, samples.record("a/whole")], samples.info(3))
    assert "**2 cells have a property that does not hold**, whatever their outcome: `nan` 2." in summary
    assert "property" not in write_markdown([samples.record("a/whole")], samples.info(1))
