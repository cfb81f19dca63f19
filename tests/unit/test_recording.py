from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.recording import Stopwatch, filled
from harness.records import Manifest, Observation, Outcome, Record, Stage, Target
from harness.verdict import Verdict

MANIFEST = Manifest(route="onnx", format="onnx", file="m.onnx", inputs=(), outputs=(), weights_digest="w")


@pytest.mark.parametrize(
    ("asked", "used", "caveat"),
    [
        ("default", "new", None),
        ("AUTO", "classic", None),
        ("CLASSIC", "classic", None),
        ("NEW", "new", None),
        ("NEW", "", None),
        ("NEW", "classic", "engine NEW was asked for, and OpenCV used its classic one"),
        ("ORT", "new", "engine ORT was asked for, and OpenCV used its new one"),
    ],
)
def test_another_engine_than_the_one_asked_for_is_told_of(asked, used, caveat):
    target = Target(opencv="5.0.0.93", engine_asked=asked)
    blank = Record(case="a", route="onnx", target=target, outcome=Outcome.HARNESS_ERROR)
    artifact = SimpleNamespace(manifest=MANIFEST, key="k")
    seen = Observation(stage=Stage.FORWARD, engine_used=used)
    record = filled(blank, artifact, Verdict(outcome=Outcome.OK), seen, Stopwatch())
    assert (record.caveat, record.target.engine_used) == (caveat, used)
