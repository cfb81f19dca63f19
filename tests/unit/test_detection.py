from __future__ import annotations

from dataclasses import replace

import pytest

from harness.detection import Detection, FalseAlarm, KindCount, Survivor, Threshold
from harness.encoding import from_json, to_json

KIND = KindCount(
    kind="bias-dropped", meaning="a bias left out", planted=7, detected=4, equivalent=1, missed=2, refused=9
)
FOUND = Detection(
    opencv="5.0.0.93",
    zoo="core",
    cases=3,
    left_out={"layers/odd": "mismatch"},
    kinds=(KIND, replace(KIND, kind="softmax-axis", planted=196, detected=196, equivalent=0, missed=0)),
    survivors=(
        Survivor(case="c", route="onnx", kind="bias-dropped", change="x", equivalent=True, reason="the same bits"),
    ),
    thresholds=(Threshold(excess=1e-3, planted=3, detected=2),),
    clean_cells=12,
    false_alarms=(),
)


def test_what_changes_nothing_is_not_there_to_be_detected():
    assert KIND.applicable == 6
    assert (FOUND.detected, FOUND.applicable) == (200, 202)
    assert FOUND.rate == pytest.approx(200 / 202)


@pytest.mark.parametrize(("missed", "fails"), [(1, False), (2, True)])
def test_the_bar_is_995_of_1000(missed, fails):
    kinds = (replace(KIND, planted=200, detected=200 - missed, equivalent=0, missed=missed),)
    found = replace(FOUND, kinds=kinds)
    assert bool(found.shortfalls) is fails
    assert [text for text in found.shortfalls if f"{200 - missed} of 200" not in text] == []


def test_where_nothing_could_be_planted_nothing_is_proved():
    found = replace(FOUND, kinds=())
    assert found.rate == 0
    assert len(found.shortfalls) == 1


def test_one_false_alarm_is_too_many():
    alarm = FalseAlarm(case="c", route="onnx", message="off", reproduce="dnn-harness check c")
    found = replace(FOUND, kinds=FOUND.kinds[1:], false_alarms=(alarm,))
    assert found.shortfalls == ("1 of 12 clean cells raised a false alarm",)


def test_the_figures_survive_their_file():
    assert from_json(to_json(FOUND), Detection) == FOUND
