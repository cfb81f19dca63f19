from __future__ import annotations

from harness.records import Outcome
from harness.report.junit import NAMES, properties_of


def test_every_property_that_is_known_is_told(samples):
    record = samples.record(
        outcome=Outcome.MISMATCH, op="Erf", parity=samples.parity(15.0), latency=samples.latency(0.012345)
    )
    assert properties_of(record) == [
        ("case", "layers/conv2d/same"),
        ("route", "onnx"),
        ("opencv", "5.0.0.93"),
        ("engine", "default"),
        ("outcome", "mismatch"),
        ("op", "Erf"),
        ("margin", "15"),
        ("latency_ms", "0.01235"),
    ]


def test_what_is_not_known_is_left_out(samples):
    names = [name for name, _ in properties_of(samples.record(parity=samples.parity(None)))]
    assert names == [name for name in NAMES if name not in {"op", "margin", "latency_ms"}]


def test_hostile_text_is_one_visible_line(samples):
    for _, value in properties_of(samples.hostile_record(op=f"a\nb{samples.hostile}")):
        assert "\x1b" not in value
        assert value.isprintable()
