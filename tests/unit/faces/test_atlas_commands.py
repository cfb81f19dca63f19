from __future__ import annotations

import pytest

from harness.encoding import from_json
from harness.faces.atlas_commands import _anywhere, _compact, _together
from harness.pure.atlas import Answers, Atlas, AtlasCase, Part, Span
from harness.records import Outcome


@pytest.mark.parametrize(
    ("commands", "line"),
    [
        (["h run --zoo core --opencv 5"], "h run --zoo core --opencv 5"),
        (["h run", "h run"], "h run"),
        (["h run --zoo", "h run"], "h run --zoo && h run"),
        (["h run 'edited", "h run"], """'h run '"'"'edited' && h run"""),
        (["h run --zoo a", "h run --zoo b --engine NEW"], "h run --zoo a && h run --zoo b --engine NEW"),
        (
            ["h run --zoo a --opencv 5", "h run", "h run --zoo 'b/*-small' --opencv 5", "h run --zoo a --opencv 5"],
            """for zoo in a 'b/*-small'; do h run --zoo "$zoo" --opencv 5; done && h run""",
        ),
    ],
)
def test_commands_that_differ_in_the_zoo_alone_are_one_loop(commands, line):
    assert _together(commands) == line


@pytest.mark.parametrize("said", ["--out /home/me/x", "--out=/home/me/x", "--store /home/me --out='/home/my x'"])
def test_a_command_is_kept_without_the_folders_of_a_machine(said):
    assert _anywhere(f"h run --zoo 'a b' {said} --route pb") == "h run --zoo 'a b' --route pb"


def test_an_atlas_is_kept_without_what_is_null_and_comes_back():
    spans = (
        Span(first=0, last=2, outcome=Outcome.UNSUPPORTED_OP, op="Erf", message="no \ud800 layer"),
        Span(first=3, last=9, outcome=Outcome.OK),
    )
    case = AtlasCase(case="layers/gelu", layers=("Gelu",), answers=(Answers(route="onnx", spans=spans),))
    atlas = Atlas(parts=(Part(started="2026-11-25", command="run"),), releases=("4.5.5.64",), cases=(case,))
    text = _compact(atlas)
    assert "null" not in text
    assert from_json(text.encode(), Atlas) == atlas
