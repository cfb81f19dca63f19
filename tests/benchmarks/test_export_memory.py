"""What exporting costs in memory: run with `pytest tests/benchmarks -m benchmark_export -s`. Prints the figure."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from harness.cases import load_zoo, select
from harness.cells.subjects import from_case
from harness.effects.exporting import Exporter
from harness.errors import ExportFailedError
from harness.routes import pick_routes

GOOD = ("onnx", "pb", "tflite")


def peak_mib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))


@pytest.mark.benchmark_export
def test_one_exporter_over_the_core_zoo(tmp_path, capsys):
    exporter, made, peaks = Exporter(seconds=300), 0, {}
    try:
        for case in select(load_zoo("model_zoo"), "core"):
            source = from_case(case, ("model_zoo",)).source
            for route in pick_routes(GOOD, source.kind):
                folder = tmp_path / f"{made}"
                folder.mkdir()
                with contextlib.suppress(ExportFailedError):  # what a converter refuses is another test's concern
                    exporter.export(source, route.name, folder)
                made += 1
            if exporter.pid is not None:  # None: it was full, and the next request gets another
                peaks[case.id] = peak_mib(exporter.pid)
    finally:
        exporter.close()
    highest = next(name for name, peak in peaks.items() if peak == max(peaks.values()))
    with capsys.disabled():
        print(
            f"\nexporter over {len(peaks)} core cases by {', '.join(GOOD)}: peak {max(peaks.values())} MiB (bar: 2500)"
        )
        print(f"after the first case {min(peaks.values())} MiB; the peak was {highest}")
    assert made == 3 * len(select(load_zoo("model_zoo"), "core"))
