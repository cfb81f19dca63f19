from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.evidence import Culprit
from harness.records import Outcome
from harness.report.rows import FIELDS, row
from harness.report.tabulate import build_report
from harness.timings import Beside, Latency, Timing

DOCS = Path(__file__).parents[3] / "docs" / "columns.md"
KINDS = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def values(samples, record) -> dict[str, object]:
    (cell,) = build_report([record], samples.info(1)).cells
    return dict(zip((field.name for field in FIELDS), row(cell), strict=True))


def everything(samples):
    timing = Timing(min=1.0, median=1.5, p95=2.0, n=20, low=1.4, high=1.6)
    beside = {"version": "2", "low": 0.5, "high": 0.7, "noise": 1.01, "speed": "faster", "forward_ms": timing}
    runtimes = tuple(Beside(runtime=name, ratio=0.6, **beside) for name in ("tensorflow", "onnxruntime"))
    latency = Latency(
        load_ms=12.0,
        forward_ms=timing,
        first_ms=9.0,
        threads=1,
        peak_rss_bytes=1 << 20,
        flops=10**12,
        weights_bytes=7,
        blobs_bytes=8,
        beside=runtimes,
    )
    culprit = Culprit(layer="dense", class_="Dense", config="{}", outcome="mismatch", how="cut")
    crash = samples.one_of_each()[list(Outcome).index(Outcome.CRASH)]
    more = {"family": "f", "signal": "SIGSEGV", "caveat": "c", "opset": 13, "properties": samples.properties()}
    return replace(crash, latency=latency, culprit=culprit, **more)


def test_every_column_is_filled_where_everything_is_known(samples):
    found = values(samples, everything(samples))
    assert [name for name, value in found.items() if value is None] == []
    kinds = {field.name: field.kind for field in FIELDS}
    assert {name for name, value in found.items() if type(value) is not kinds[name]} == set()
    assert (found["latency_ms"], found["latency_low_ms"], found["onnxruntime_ratio"]) == (1.5, 1.4, 0.6)
    assert (found["layers"], found["failing_layers"], found["broken"]) == (1, 1, "nan")
    assert (found["margin"], found["seconds"], found["attention"]) == (0.25, 0.5, False)


def test_what_is_not_known_is_nothing_and_never_a_number(samples):
    found = values(samples, samples.record(outcome=Outcome.CRASH, judgement=None))
    assert found["attention"] is True
    for name in ("judgement", "margin", "latency_ms", "tensorflow_ms", "layers", "failing_layers", "broken", "opset"):
        assert found[name] is None, name


def test_texts_are_visible(samples):
    found = values(samples, samples.hostile_record())
    texts = "".join(value for value in found.values() if isinstance(value, str))
    assert "\\x1b[31m\\u202e\\ud800" in texts
    assert not {"\x1b", "\u202e", "\ud800"}.intersection(texts)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_column_is_documented(field):
    assert f"| `{field.name}` | {KINDS[field.kind]} | {field.meaning} |" in DOCS.read_text().splitlines()


def test_no_column_is_documented_that_is_not_there():
    assert sum(line.startswith("| `") for line in DOCS.read_text().splitlines()) == len(FIELDS)
