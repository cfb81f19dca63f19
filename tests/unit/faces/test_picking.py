"""Which record is meant."""

from __future__ import annotations

import io
import sys

import pytest

from harness.encoding import to_json
from harness.errors import UsageError
from harness.faces.picking import pick, read_records
from harness.records import Outcome, Record, Target


def record(case: str, outcome: Outcome = Outcome.CRASH, route: str = "pb", opencv: str = "5.0.0.93") -> Record:
    return Record(case=case, route=route, target=Target(opencv=opencv), outcome=outcome)


MANY = (record("a"), record("b"), record("b", route="onnx"), record("b", opencv="4.14.0.94"), record("c", Outcome.OK))


def test_the_only_failure_needs_no_words():
    assert pick((record("c", Outcome.OK), record("a")), None, None, None) == record("a")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("a", None, None), MANY[0]),
        (("b", "onnx", None), MANY[2]),
        (("[b]", "pb", "4.14.0.94"), MANY[3]),
        (("c", None, None), MANY[4]),
    ],
)
def test_words_narrow(words, found):
    assert pick(MANY, *words) == found


def test_several_are_named_and_none_is_said():
    with pytest.raises(
        UsageError, match=r"3 failing cells fit; choose one.*\n    b \[pb, OpenCV 5.0.0.93/default\] crash"
    ):
        pick(MANY, "b", None, None)
    with pytest.raises(UsageError, match="no failing cell fits"):
        pick(MANY, "z", None, None)
    with pytest.raises(UsageError, match=r"did you mean --case layers/conv2d/same\?"):
        pick((record("layers/conv2d/same"), *MANY), "layers/conv2/same", None, None)


def test_records_come_from_files_and_from_standard_input(tmp_path, monkeypatch):
    text = "".join(f"{to_json(one)}\n" for one in MANY[:2])
    (tmp_path / "r.json").write_text(text)
    assert read_records(str(tmp_path / "r.json")) == MANY[:2]
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert read_records("-") == MANY[:2]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "holds no records"), ("{}", "r.json:1 is no record"), ("nonsense\n", "r.json:1 is no record")],
)
def test_what_is_none_is_said(tmp_path, text, words):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(UsageError, match=words):
        read_records(str(tmp_path / "r.json"))
    with pytest.raises(UsageError, match="cannot be read"):
        read_records(str(tmp_path / "gone.json"))
