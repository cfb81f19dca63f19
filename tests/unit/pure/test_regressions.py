from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import cli
from harness.errors import ExitCode, UsageError
from harness.faces import delivery
from harness.pure.inputs import PROBES, InputPlan, Kind
from harness.pure.regressions import HEADER, Regressions, added, parse
from harness.pure.strategies import plans

RAMP, NOISE = InputPlan(seed=4), InputPlan(kind=Kind.UNIFORM, seed=2, items=3)
TEXT = """\
# Inputs.

layers/a  ramp:seed=4:scale=1.0
# because of padding
layers/c  uniform:seed=2:scale=1.0:items=3
"""


def test_lines_are_read_by_case_and_comments_passed_over():
    assert parse(TEXT, "kept.txt") == Regressions({"layers/a": (RAMP,), "layers/c": (NOISE,)})
    assert parse(HEADER, "kept.txt") == Regressions()
    assert parse("my model.keras  ramp:seed=4:scale=1.0\n", "kept.txt").plans == {"my model.keras": (RAMP,)}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("layers/a", "is no `case  plan`"),
        ("layers/a ramp", "'ramp' is no input plan"),
        ("layers/a ramp:seed=x:scale=1.0", "is no input plan"),
        ("layers/a nan:seed=4:scale=1.0", "never decide"),
        ("layers/a ramp:seed=4:scale=1.0", "twice"),
    ],
)
def test_a_malformed_line_is_refused_with_file_and_line(line, reason):
    with pytest.raises(UsageError, match=rf"^kept\.txt:6: .*{reason}"):
        parse(TEXT + line + "\n", "kept.txt")


def test_kept_plans_come_behind_the_others_and_not_twice():
    kept = Regressions({"layers/a": (PROBES[0], RAMP)})
    assert kept.besides("layers/a", PROBES) == (*PROBES, RAMP)
    assert kept.besides("layers/b", PROBES) == PROBES


def test_a_line_is_added_in_its_place_and_comments_stay_with_theirs():
    text = added(TEXT, "layers/b", RAMP)
    assert text == TEXT.replace("# because", "layers/b  ramp:seed=4:scale=1.0\n# because")
    assert added(text, "layers/b", RAMP) == text
    assert added(TEXT, "layers/d", RAMP) == TEXT + "layers/d  ramp:seed=4:scale=1.0\n"
    assert added(TEXT, "blocks/z", RAMP).splitlines()[2] == "blocks/z  ramp:seed=4:scale=1.0"


@given(st.lists(st.tuples(st.sampled_from("abc"), plans()), max_size=6))
def test_whatever_is_kept_is_found_again_and_the_lines_are_sorted(entries):
    text = HEADER
    for case, plan in entries:
        text = added(text, case, plan)
    assert {(case, plan) for case, kept in parse(text, "f").plans.items() for plan in kept} == set(entries)
    lines = text.removeprefix(HEADER).splitlines()
    assert lines == sorted(lines)


def test_the_command_keeps_a_line_once_and_refuses_what_cannot_be_tried(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.dnn-harness]\nregressions = "kept.txt"\n')
    case = "layers/conv2d/same-stride2"
    for _ in range(2):
        assert cli.main(["keep", case, "ramp:seed=4:scale=1.0"]) == ExitCode.OK
    assert (tmp_path / "kept.txt").read_text() == f"{HEADER}{case}  ramp:seed=4:scale=1.0\n"
    assert cli.main(["keep", "layers/conv2d/nowhere", "ramp:seed=4:scale=1.0"]) == ExitCode.USAGE
    assert cli.main(["keep", case, "ramp"]) == ExitCode.USAGE
    assert cli.main(["keep", case, "nan:seed=4:scale=1.0"]) == ExitCode.USAGE
    (tmp_path / "kept.txt").write_text("nonsense\n")
    assert cli.main(["keep", case, "ramp:seed=5:scale=1.0"]) == ExitCode.USAGE
    assert "kept.txt:1: 'nonsense'" in capsys.readouterr().err.replace("\n", "")


def test_without_a_file_there_is_nothing_to_keep_it_in(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.dnn-harness]\n")
    assert cli.main(["keep", "layers/conv2d/same-stride2", "ramp:seed=4:scale=1.0"]) == ExitCode.USAGE
    assert "name one with --regressions" in capsys.readouterr().err


def test_a_line_that_is_there_leaves_the_file_untouched(tmp_path):
    path = tmp_path / "kept.txt"
    assert delivery.keep(path, "layers/a", RAMP)
    before = path.stat().st_mtime_ns
    assert not delivery.keep(path, "layers/a", RAMP)
    assert path.stat().st_mtime_ns == before
