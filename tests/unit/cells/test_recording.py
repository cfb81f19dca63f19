from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.cells.recording import Stopwatch, filled
from harness.manifests import Manifest
from harness.observations import Observation
from harness.pure.verdict import Verdict
from harness.records import Outcome, Record, Stage, Target

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


def latency_of(**seen):
    blank = Record(case="a", route="onnx", target=Target(opencv="5.0.0.93"), outcome=Outcome.HARNESS_ERROR)
    artifact = SimpleNamespace(manifest=MANIFEST, key="k")
    observation = Observation(stage=Stage.FORWARD, load_ms=2.0, **seen)
    return filled(blank, artifact, Verdict(outcome=Outcome.OK), observation, Stopwatch()).latency


def test_a_latency_has_what_costs_nothing():
    found = latency_of(forward_ms=tuple(range(10, 20)), first_ms=99.5, threads=1, peak_rss_bytes=1 << 20)
    assert (found.first_ms, found.threads, found.peak_rss_bytes) == (99.5, 1, 1 << 20)
    timing = found.forward_ms
    assert (timing.low, timing.median, timing.high, timing.n) == (11, 14.5, 18, 10)


def test_five_times_have_no_interval():
    timing = latency_of(forward_ms=(1.0, 2.0, 3.0, 4.0, 5.0)).forward_ms
    assert (timing.low, timing.median, timing.high) == (None, 3.0, None)
