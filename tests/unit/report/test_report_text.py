from __future__ import annotations

from rich.cells import cell_len

from harness.records import Judgement, Outcome
from harness.report.text import write_text
from harness.report.words import OUTCOMES


def test_every_outcome_is_counted_and_every_failure_named_worst_first(samples):
    records = samples.one_of_each()
    text = write_text(records, samples.info(len(records)))
    assert f"{len(Outcome)} of {len(Outcome)} planned cells reported" in text
    for outcome, word in OUTCOMES.items():
        assert f"1 {word.symbol} {outcome} (" in text
    rows = text.partition("Known failures")[2].splitlines()[2:]
    assert len(rows) == len(Outcome) - 1
    assert rows[0].startswith("! harness-error")
    assert "Conv<2D>" in rows[0]
    assert rows[0].endswith("said of harness-error")


def test_columns_are_aligned_whatever_letters_there_are(samples):
    names = ("layers/a", "layers/卷积", "layers/é\u0301")
    records = [samples.record(name, outcome=Outcome.CRASH, judgement=Judgement.NEW_FAILURE) for name in names]
    lines = write_text(records, samples.info(3)).partition("Needs attention")[2].splitlines()[1:5]
    places = {cell_len(line[: line.index(word)]) for line, word in zip(lines, ["route", *["onnx"] * 3], strict=True)}
    assert len(places) == 1


def test_hostile_text_steers_no_terminal_and_breaks_no_line(samples):
    record = samples.hostile_record(op=f"a\nb{samples.hostile}")
    text = write_text([record], samples.info(1, title=samples.hostile, unavailable={samples.hostile: "\x1b]0;x\x07"}))
    assert not {"\x1b", "\u202e", "\ud800", "\x07"}.intersection(text)
    text.encode()


def test_an_interrupted_run_and_an_empty_one_say_so(samples):
    assert "1 of 4 planned cells reported" in write_text([samples.record()], samples.info(4))
    info = samples.info(4, interrupted=True, unavailable={"4.1": "no wheel"})
    text = write_text([], info)
    assert "the run was interrupted" in text
    assert "not run: OpenCV 4.1: no wheel" in text
    assert "0 need attention: nothing was run" in text
    assert "Ways" not in text


def test_a_mended_cell_says_what_to_do(samples):
    assert "fixed: delete its expectation" in write_text([samples.record(judgement=Judgement.FIXED)], samples.info(1))
