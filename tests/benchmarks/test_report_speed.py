"""How long each face of 7,000 records takes: `pytest tests/benchmarks/test_report_speed.py -s`. Prints only."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from harness.faces.delivery import FORMS
from harness.records import Outcome, Target

CELLS = 7_000
RELEASES = 10
"""A third of the cells fail, each with a page of stderr, as in a run over old releases."""


@pytest.mark.parametrize("name", FORMS)
def test_a_face_of_many_records(samples, name):
    if name == "parquet":
        pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    works = samples.record(parity=samples.parity(), latency=samples.latency(), properties=samples.properties())
    fails = replace(works, outcome=Outcome.CRASH, message="what OpenCV said " * 20, stderr="line\n" * 200)
    records = [
        replace(
            works if number % 3 else fails,
            case=f"layers/family{number // RELEASES % 40}/case{number // RELEASES}",
            target=Target(opencv=f"4.{number % RELEASES}.0"),
        )
        for number in range(CELLS)
    ]
    started = time.perf_counter()
    face = FORMS[name](records, samples.info(CELLS))
    spent = time.perf_counter() - started
    print(f"\n{name}: {CELLS:,} records in {spent:.2f} s, {len(face) / 1e6:.2f} MB")
    assert len(face) > 0 or name == "annotations"
