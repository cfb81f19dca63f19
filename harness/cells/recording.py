"""Records in the making: of a cell nothing is known of yet, and with what was seen and judged."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from harness.cells.library import Artifact
from harness.cells.subjects import Cell
from harness.observations import Observation
from harness.pure.corpora import corpus
from harness.pure.inputs import DRAWS, InputPlan
from harness.pure.pace import LEAST_TIMES, interval
from harness.pure.verdict import Verdict
from harness.records import CPU, Outcome, PortLayouts, Record
from harness.timings import Latency, Timing

_STDERR_KEPT = 8_000


@dataclass(slots=True, kw_only=True)
class Stopwatch:
    """Wall-clock seconds by step, for the record."""

    seconds: dict[str, float] = field(default_factory=dict)

    def measure(self, step: str, started: float) -> None:
        """Add the time since `started` (perf_counter) to a step."""
        self.seconds[step] = round(self.seconds.get(step, 0.0) + time.perf_counter() - started, 4)


def blank_record(cell: Cell, plans: Sequence[InputPlan]) -> Record:
    """Return the record of a cell of which nothing is known yet."""
    words = ["dnn-harness", "check", cell.subject.id, "--route", cell.route, "--opencv", cell.environment]
    if cell.target.engine_asked != "default":
        words += ["--engine", cell.target.engine_asked]
    if cell.target.backend != CPU:
        words += ["--device", cell.target.backend.upper()]
    for shape in cell.subject.source.input_shapes:
        words += ["--input-shape", ",".join(map(str, shape))]
    if cell.subject.source.trust_lambda:
        words.append("--trust-lambda")
    usual = corpus(DRAWS)
    for plan in plans:
        if plan not in usual:
            words += ["--input", str(plan)]
    return Record(
        case=cell.subject.id,
        route=cell.route,
        target=cell.target,
        outcome=Outcome.HARNESS_ERROR,
        family=cell.subject.family,
        reproduce=shlex.join(words),
    )


def filled(blank: Record, artifact: Artifact, verdict: Verdict, seen: Observation, watch: Stopwatch) -> Record:
    """Return the record of a cell that was run: the artifact's side, what was seen, and the opinion on it."""
    manifest = artifact.manifest
    return replace(
        blank,
        outcome=verdict.outcome,
        stage=verdict.stage,
        op=verdict.op,
        layer=verdict.layer,
        message=verdict.message,
        signal=verdict.signal,
        parity=verdict.parity,
        target=replace(blank.target, engine_used=seen.engine_used),
        layout=PortLayouts(
            input=tuple(port.layout.value for port in manifest.inputs),
            output=tuple(port.layout.value for port in manifest.outputs),
        ),
        latency=_latency(seen),
        artifact=artifact.key,
        seconds=watch.seconds,
        stderr=seen.stderr[-_STDERR_KEPT:],
        ops=manifest.ops,
        opset=manifest.opset,
        caveat="; ".join(filter(None, (verdict.caveat, _other_engine(blank, seen)))) or None,
    )


def _other_engine(blank: Record, seen: Observation) -> str | None:
    """Say where OpenCV took another engine than it was asked for: it falls back without a word."""
    asked = blank.target.engine_asked
    names = {"CLASSIC": "classic", "NEW": "new", "OPENCV": "new", "ORT": "ort"}
    if not seen.engine_used or names.get(asked, seen.engine_used) == seen.engine_used:
        return None
    return f"engine {asked} was asked for, and OpenCV used its {seen.engine_used} one"


def _latency(seen: Observation) -> Latency | None:
    if seen.load_ms is None or not seen.forward_ms:
        return None
    return Latency(
        load_ms=round(seen.load_ms, 6),
        first_ms=None if seen.first_ms is None else round(seen.first_ms, 6),
        forward_ms=timing(seen.forward_ms),
        threads=seen.threads,
        peak_rss_bytes=seen.peak_rss_bytes,
    )


def timing(times_ms: Sequence[float]) -> Timing:
    """Return how some forward passes' milliseconds are distributed; six at least have an interval of their median."""
    ordered = sorted(times_ms)
    low, high = interval(ordered) if len(ordered) >= LEAST_TIMES else (None, None)
    return Timing(
        min=round(ordered[0], 6),
        median=round(float(np.median(ordered)), 6),
        p95=round(float(np.percentile(ordered, 95)), 6),
        n=len(ordered),
        low=None if low is None else round(low, 6),
        high=None if high is None else round(high, 6),
    )
