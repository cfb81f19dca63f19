from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote

import pytest

from harness.records import Judgement, Outcome
from harness.report.annotations import MOST, command, write_annotations

LINE = re.compile(r"::(error|warning|notice) ((?:\w+=[^:,\r\n]*,?)+)::([^\r\n]*)")
"""As GitHub's runner reads it: properties end at commas, the message after the second pair of colons."""


def read(text: str) -> list[tuple[str, dict[str, str], str]]:
    found = []
    for line in text.splitlines():
        one = LINE.fullmatch(line)
        assert one, line
        pairs = (pair.partition("=") for pair in one[2].split(","))
        found.append((one[1], {name: unquote(value) for name, _, value in pairs}, unquote(one[3])))
    return found


def failing(samples, case: str, **changes):
    return samples.record(case, outcome=Outcome.CRASH, judgement=Judgement.NEW_FAILURE, **changes)


def test_what_begins_a_command_is_escaped_and_escaping_is_undone_once():
    assert command("error", "50%\r\nb,c:d", file="a,b:c", title="") == "::error file=a%2Cb%3Ac::50%25%0D%0Ab,c:d"
    assert command("error", "%0A", title="%2C") == "::error title=%252C::%250A"


def test_one_that_fails_is_an_error_with_what_it_is_and_how_to_see_it_again(samples):
    record = failing(samples, "layers/a", op="Erf", message="said\nin two lines, 100%", expected="ok: no")
    ((level, properties, message),) = read(write_annotations([record], samples.info(1)))
    assert level == "error"
    assert properties == {"title": "new-failure: crash: layers/a [onnx, OpenCV 5.0.0.93/default]"}
    assert message.splitlines() == [
        "to blame: Erf",
        "said",
        "in two lines, 100%",
        "expected: ok: no",
        "dnn-harness run --zoo 'layers/a' --route onnx --opencv 5.0.0.93",
    ]


@pytest.mark.parametrize(
    ("case", "file"),
    [
        ("models/net.keras", "models/net.keras"),
        ("my_nets.unet:build", "my_nets/unet.py"),
        ("a,b: %.onnx", "a,b: %.onnx"),
        ("layers/conv2d/same", None),
        ("not a module:name", None),
    ],
)
def test_the_file_is_named_where_the_case_says_it(samples, case, file):
    ((_, properties, _),) = read(write_annotations([failing(samples, case)], samples.info(1)))
    assert properties.get("file") == file


def test_no_more_than_github_shows_worst_first_and_the_others_are_counted(samples):
    records = [failing(samples, f"layers/{number:02}") for number in range(30)]
    records.append(samples.record("z/wrong", outcome=Outcome.MISMATCH, judgement=Judgement.NEW_FAILURE))
    found = read(write_annotations(records, samples.info(31)))
    assert len(found) == MOST == 10
    assert "z/wrong" in found[0][1]["title"]
    assert found[-1] == (
        "notice",
        {"title": "and more"},
        "22 more need attention; the summary and the report name them",
    )
    assert len(read(write_annotations(records[:10], samples.info(10)))) == 10
    assert "more need" not in write_annotations(records[:10], samples.info(10))


def test_a_mended_cell_is_a_warning(samples):
    ((level, _, message),) = read(write_annotations([samples.record(judgement=Judgement.FIXED)], samples.info(1)))
    assert level == "warning"
    assert "delete its expectation" in message


def test_hostile_text_stays_within_its_line(samples):
    text = f"\n::error::x\r::stop-commands::y\u2028{samples.hostile}"
    record = replace(samples.hostile_record(), case=text, route=text, message=text, op=text)
    ((_, properties, message),) = read(write_annotations([record], samples.info(1)))
    assert set(properties) == {"title"}
    assert "\x1b" not in message
    assert "\\u2028" in message


def test_an_interrupted_run_and_an_opencv_that_is_not_there_are_said_first(samples):
    info = samples.info(4, missing=("layers/gone [pb]",), interrupted=True, unavailable={"4.1": "no wheel"})
    first, second = read(write_annotations([samples.record()], info))
    assert first[2].startswith("4 cells were planned, 1 have a record.\nlayers/gone [pb]")
    assert second == ("error", {"title": "not run: OpenCV 4.1"}, "no wheel")


def test_nothing_to_say_is_nothing(samples):
    assert write_annotations([samples.record()], samples.info(1)) == ""
    assert write_annotations([], samples.info(0)) == ""
