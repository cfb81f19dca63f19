"""The hypothesis profiles of the root conftest, and what the conformance suite says of a plan that was drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
DRAWING = """
from hypothesis import given, settings, target
from harness.strategies import plans

@settings({settings})
@given(plan=plans())
def test_draw(plan):
    error = 1 / (1 + abs(plan.seed - 7777))
    target(error, label="error / allowed")
    with open("drawn.txt", "a") as file:
        file.write(f"{{error}} {{plan}}\\n")
"""
FAILING = """
from hypothesis import given
from harness.inputs import Kind
from harness.plugin import expect
from harness.records import Judgement, Outcome, Record, Target
from harness.strategies import plans

@given(plan=plans())
def test_parity(plan):
    wrong = plan.kind in {Kind.IMAGE, Kind.SPARSE} and plan.seed >= 7 and plan.items > 1
    record = Record(
        case="layers/my net",
        route="onnx",
        target=Target(opencv="5.0"),
        outcome=Outcome.MISMATCH if wrong else Outcome.OK,
        judgement=Judgement.NEW_FAILURE if wrong else Judgement.AS_EXPECTED,
        reproduce="dnn-harness check ...",
    )
    expect(record, drawn=plan)
"""


@pytest.fixture
def drawn(pytester, monkeypatch):
    """Draw plans in a project with our profiles; returns the lines and the error each one stands for."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest((ROOT / "conftest.py").read_text())

    def draw(profile: str, settings: str) -> list[tuple[float, str]]:
        pytester.makepyfile(DRAWING.format(settings=settings))
        done = pytester.runpytest_subprocess("-p", "no:cacheprovider", f"--hypothesis-profile={profile}")
        done.assert_outcomes(passed=1)
        path = pytester.path / "drawn.txt"
        lines = [line.split() for line in path.read_text().splitlines()]
        path.unlink()
        return [(float(error), plan) for error, plan in lines]

    return draw


def test_ci_draws_the_same_every_time_whatever_the_errors_are(drawn):
    """So that a warm store has every reference: where steering leads would depend on OpenCV's numbers."""
    assert drawn("ci", "max_examples=60") == drawn("ci", "max_examples=60")


@pytest.mark.parametrize("machine", ["", "true"], ids=["at-home", "on-ci"])
def test_dev_steers_towards_the_largest_error_which_ci_does_not(drawn, monkeypatch, machine):
    """With CI set, hypothesis begins with a profile of its own, from which ours must not inherit."""
    monkeypatch.setenv("CI", machine) if machine else monkeypatch.delenv("CI", raising=False)
    fixed = "max_examples=300, derandomize=True, database=None"  # chance must not decide here
    assert max(drawn("ci", fixed))[0] < max(drawn("dev", fixed))[0] == 1


def test_a_drawn_plan_that_fails_is_shrunk_and_the_message_ends_with_the_command_that_keeps_it(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest((ROOT / "conftest.py").read_text())
    pytester.makepyfile(FAILING)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "*layers/my net [[]onnx, OpenCV 5.0/default[]]* outcome=mismatch, but should be ok",
            "*dnn-harness check ...",
            "*dnn-harness keep 'layers/my net' image:seed=7:scale=1.0:items=2",
        ]
    )
