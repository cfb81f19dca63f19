"""The matrix on several releases with a warm store, against what the workers themselves spend on loading and running.

    MATRIX_ZOO=core MATRIX_OPENCV=4.5.5.64:5.0.0.93 pytest tests/benchmarks/test_matrix_speed.py -s

prints the ratio with and without what ended at a deadline; nothing is asserted on a clock. Of two runs the second
counts, whose store is warm.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.effects.config import settle
from harness.effects.observing import OpenCV
from harness.observations import Observation
from harness.pure.frames import Reply
from harness.records import Record, Stage
from harness.usecases.session import Session

ZOO = os.environ.get("MATRIX_ZOO", "layers/dense/*")
OPENCV = tuple(os.environ.get("MATRIX_OPENCV", "installed").split(","))
ROOT = Path(__file__).parents[2]


class Meter:
    """Sums what workers say they spent; of what never answered, what the host waited."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.waited: Counter[str] = Counter()
        self.count: Counter[str] = Counter()
        self._guard = threading.Lock()

    def wrapped(self, ask: Any) -> Any:
        def metered(client: OpenCV, seen: Observation, request: Any, *rest: Any, **more: Any) -> Any:
            started = time.perf_counter()
            replies, after = ask(client, seen, request, *rest, **more)
            waited = time.perf_counter() - started
            what, hung = request["do"], after.timed_out_after is not None
            with self._guard:
                self.seconds[what] += _own(what, replies, waited)
                self.waited[what] += waited
                self.count[what] += 1
                self.seconds["hung"] += waited if hung else 0.0
            return replies, after

        return metered


def _own(what: str, replies: Sequence[Reply], waited: float) -> float:
    if what not in {"load", "forward", "time"}:
        return 0.0
    if not replies:
        return waited
    told = [reply.header.get("load_ms" if what == "load" else "forward_ms", 0.0) for reply in replies]
    return sum(sum(spent) if isinstance(spent, list) else float(spent) for spent in told) / 1000


@pytest.mark.skipif("MATRIX_ZOO" not in os.environ, reason="takes minutes; name what to run in MATRIX_ZOO")
def test_matrix_speed(monkeypatch, capsys):
    meter = Meter()
    monkeypatch.setattr(OpenCV, "ask_all", meter.wrapped(OpenCV.ask_all))
    settings = replace(settle({}, start=ROOT), opencv=OPENCV)
    records: list[Record] = []
    with Session(settings) as session:
        plan = session.plan_zoo(ZOO)
        started = time.perf_counter()
        session.run(plan.cells, records.append)
        took = time.perf_counter() - started
        session.history.add(records)
        warm = not session.tensorflow_started
    own = sum(meter.seconds[what] for what in ("load", "forward", "time"))
    steps = Counter[str]()
    for record in records:
        steps.update(record.seconds)
    with capsys.disabled():
        print(f"\n{len(records)} cells of {ZOO} on {', '.join(OPENCV)}, {settings.jobs} lanes: {took:.1f} s")
        print(f"workers' own {Stage.LOAD} and {Stage.FORWARD}: {own:.1f} s; ratio {took / (own / settings.jobs):.2f}")
        hung = meter.seconds["hung"]
        apart = (took * settings.jobs - hung) / (own - hung)
        print(f"without {hung:.1f} s up to deadlines: ratio {apart:.2f}")
        print("the store was warm" if warm else "the store was cold: run it again")
        for what, count in meter.count.most_common():
            waited, spent = meter.waited[what], meter.seconds[what]
            print(f"{count:7} x {what:8} waited {waited:6.1f} s, {spent:6.1f} s of it the worker's own")
        print({name: round(seconds, 1) for name, seconds in steps.items()})
