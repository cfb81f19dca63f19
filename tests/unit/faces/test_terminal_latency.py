from __future__ import annotations

from dataclasses import replace

import pytest

from harness.faces.terminal_latency import latencies, layers_that_changed
from harness.pure.differing import compare
from harness.pure.pace import Speed
from harness.records import Outcome, Record, Target
from harness.timings import Beside, Latency, LayerTime, Profile, Timing
from tests.unit.faces.test_terminal import HOSTILE

TIMING = Timing(min=1.0, median=1.25, p95=2.0, n=100, low=1.2, high=1.3)
LAYERS = (
    LayerTime(
        layer=HOSTILE, class_="Conv2D", ms=0.9, steps=("Conv2", "Conv2"), fused=("bn", "relu"), tensorflow_ms=0.5
    ),
    LayerTime(layer="bn", class_="BatchNormalization", ms=0.0, fused_into=HOSTILE),
    LayerTime(layer=None, class_="TransformLayout", ms=0.1, steps=("TransformLayout",) * 3, inserted=True),
    LayerTime(layer=None, class_="Pooling", ms=0.05, steps=("Pooling",)),
)
PROFILE = Profile(layers=LAYERS, total_ms=1.05, forward_ms=1.25, note="0.2 ms are elsewhere")
BESIDE = Beside(
    runtime="tensorflow",
    version="2.21.0",
    forward_ms=TIMING,
    ratio=0.5,
    low=0.45,
    high=0.55,
    noise=1.02,
    speed=Speed.FASTER,
)
LATENCY = Latency(
    load_ms=3.0,
    first_ms=9.5,
    forward_ms=TIMING,
    threads=2,
    peak_rss_bytes=48 << 20,
    flops=454_312,
    beside=(BESIDE, replace(BESIDE, runtime="onnxruntime", version="1.32.0", ratio=2.0, speed=Speed.CANNOT_TELL)),
    profile=PROFILE,
)
RECORD = Record(case="nets/a", route="onnx", target=Target(opencv="5.0.0.93"), outcome=Outcome.OK, latency=LATENCY)


def test_times_stand_beside_other_runtimes_with_their_intervals(capsys):
    latencies([RECORD, replace(RECORD, route="pb", latency=replace(LATENCY, beside=(BESIDE,), first_ms=None))])
    said = capsys.readouterr().out
    assert "threads: 2, in turns with TensorFlow 2.21.0 and ONNX Runtime 1.32.0" in said
    assert "1.25 [1.2..1.3]" in said
    assert "48 MiB" in said
    assert "0.454" in said
    assert "x 0.50 (0.45 to 0.55, noise x 1.02) faster" in said
    assert "x 2.00 (0.45 to 0.55, noise x 1.02) cannot-tell" in said


def test_the_slowest_layers_come_first_with_what_they_compute_as_well(capsys):
    latencies([RECORD])
    lines = capsys.readouterr().out.splitlines()
    assert "onnx on OpenCV 5.0.0.93: 1.05 of 1.25 ms are spent in layers" in lines
    first = next(line for line in lines if "Conv2D" in line)
    assert "Conv2 x 2" in first
    assert "bn, relu" in first
    assert "86%" in first
    assert "[bold]x[/]" in first
    assert any(line.startswith("(put in)") and "TransformLayout x 3" in line for line in lines)
    assert any(line.startswith("(of no layer)") for line in lines)
    assert "0.2 ms are elsewhere" in lines


def test_hostile_names_neither_steer_the_terminal_nor_vanish(capsys):
    latencies([RECORD])
    said = capsys.readouterr().out
    assert "\x1b[31m" not in said
    assert "\x07" not in said
    assert "[bold]x[/] a:on:b :smile:" in said


@pytest.mark.parametrize("latency", [None, replace(LATENCY, beside=(), profile=None, flops=None, threads=None)])
def test_what_was_not_measured_is_left_out(latency, capsys):
    latencies([replace(RECORD, latency=latency)])
    said = capsys.readouterr().out
    assert ("1.25" in said) == (latency is not None)
    assert "TensorFlow" not in said


def test_layers_of_two_releases_stand_side_by_side(capsys):
    slower = replace(PROFILE, layers=(replace(LAYERS[0], ms=1.9), *LAYERS[1:]), forward_ms=2.25)
    after = replace(RECORD, target=Target(opencv="5.1.0.1"), latency=replace(LATENCY, profile=slower))
    layers_that_changed(compare([RECORD], [after]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "nets/a [onnx]: 1.25 -> 2.25 ms, by layer"
    assert lines[2].split()[-3:] == ["0.9", "1.9", "+1"]
