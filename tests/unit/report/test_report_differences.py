from __future__ import annotations

from dataclasses import replace

from harness.pure.differing import Change, compare
from harness.pure.pace import Speed, pace
from harness.records import Outcome, Record, Stage, Target
from harness.report.differences import CHANGES, SPEEDS, headline, write_difference_markdown, write_difference_page

OLD, NEW = Target(opencv="4.14.0.94"), Target(opencv="5.0.0.93")
EVIL = "<script>alert(1)</script>|`x`\n# y"
OK = Record(case="nets/a", route="onnx", target=OLD, outcome=Outcome.OK)
BROKEN = replace(OK, target=NEW, outcome=Outcome.CRASH, stage=Stage.LOAD, layer=EVIL, signal="SIGSEGV", advice=(EVIL,))
SLOW = pace("nets/b", "pb", "default", [1.0] * 15, [2.0] * 15)
FOUND = compare([OK, replace(OK, case=EVIL)], [BROKEN, replace(OK, case=EVIL, target=NEW)], [SLOW])


def test_every_kind_and_every_opinion_has_its_words():
    assert set(CHANGES) == set(Change)
    assert set(SPEEDS) == set(Speed)
    assert len({word.symbol for word in CHANGES.values()}) == len(Change)


def test_the_answer_is_one_sentence():
    assert headline(FOUND) == "OpenCV 4.14.0.94 -> 5.0.0.93: 1 newly-broken, 1 slower; 1 of 2 alike"
    assert headline(compare([OK], [replace(OK, target=NEW)])).endswith("no difference; 1 of 1 alike")


def test_the_page_says_everything_and_runs_nothing():
    page = write_difference_page(FOUND, f"dnn-harness diff {EVIL}")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    for words in ("newly-broken", "ok -&gt; crash at load", "▼ slower"):
        assert words in page, words
    assert "http" not in page.replace("http-equiv", "")


def test_the_page_of_no_difference_says_so():
    assert "no difference" in write_difference_page(compare([OK], [replace(OK, target=NEW)]), "x")


def test_the_summary_is_a_table_whatever_a_layer_is_called():
    lines = write_difference_markdown(FOUND).splitlines()
    row = next(line for line in lines if line.startswith("| ") and "crash" in line)
    assert row.replace("\\|", "").count("|") == 4
    assert "<script>" not in row.replace("`", "")
    assert any("1.00 to" in line or "2.00 to 2.00" in line for line in lines)
