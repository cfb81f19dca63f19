"""Records and run facts for the tests of reports: of their text, and of what a browser makes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.evidence import Culprit, ErrorMap, InputMargin, Node, Parity, Property
from harness.records import Judgement, LayerVerdict, OpVerdict, Outcome, PortLayouts, Record, Stage, Target
from harness.report import RunInfo
from harness.timings import Beside, Latency, LayerTime, Profile, Timing

HOSTILE = "<script>alert('x')</script>|`\"' \x1b[31m\u202e\ud800 <img src=x onerror=alert(1)> </pre></details> [a](b)"
ROUTES = ("pb", "onnx", "tflite", "pb-naive")


class Samples:
    """Builds records; every argument of `Record` can be overridden."""

    hostile = HOSTILE

    def record(self, case: str = "layers/conv2d/same", **changes: object) -> Record:
        opencv = str(changes.pop("opencv", "5.0.0.93"))
        plain = Record(
            case=case,
            route="onnx",
            target=Target(opencv=opencv, engine_used="new", numpy="2.4.6", python="3.11.2"),
            outcome=Outcome.OK,
            judgement=Judgement.AS_EXPECTED,
        )
        record = replace(plain, **changes)  # type: ignore[arg-type]
        command = f"dnn-harness run --zoo '{case}' --route {record.route} --opencv {opencv}"
        return replace(record, reproduce=record.reproduce or command)

    def parity(self, margin: float | None = 0.25) -> Parity:
        error = None if margin is None else margin * 1e-6
        why = "32 x TensorFlow's own float32 error"
        return Parity(
            max_abs=error,
            allowed=1e-6,
            margin=margin,
            inputs=7,
            why=why,
            worst_input="uniform seed=3",
            sensitivity=5e4,
            by_input=(InputMargin(plan="ramp seed=0", margin=0.1), InputMargin(plan="uniform seed=3", margin=margin)),
        )

    def properties(self, *, message: str = "TensorFlow gives NaN at 3 of 30 places") -> tuple[Property, ...]:
        held = Property(name="reload", held=True, message="bits equal")
        return (held, Property(name="nan", held=False, message=message))

    def latency(self, median: float = 1.5) -> Latency:
        return Latency(load_ms=12.0, forward_ms=Timing(min=1.0, median=median, p95=2.0, n=20))

    def profiled(self, name: str = "dense") -> Latency:
        """Return times with all that can be known of them: other runtimes, layers, memory."""
        other = Beside(
            runtime=name,
            version=name,
            forward_ms=Timing(min=2.0, median=3.0, p95=4.0, n=20),
            ratio=0.5,
            low=0.45,
            high=0.55,
            noise=1.05,
            speed=name,
        )
        layers = (
            LayerTime(layer=name, class_=name, ms=1.0, steps=("Conv",), fused=(name,), tensorflow_ms=2.0),
            LayerTime(layer=f"{name} relu", class_="ReLU", ms=0.0, fused_into=name),
            LayerTime(layer=None, class_="Permute", ms=0.25, inserted=True),
        )
        return Latency(
            load_ms=12.0,
            forward_ms=Timing(min=1.0, median=1.5, p95=2.0, n=20, low=1.4, high=1.6),
            first_ms=40.0,
            threads=2,
            peak_rss_bytes=123_000_000,
            flops=3_100_000,
            weights_bytes=1_200,
            blobs_bytes=5_000,
            beside=(other,),
            profile=Profile(layers=layers, total_ms=1.25, forward_ms=1.5, note=name),
        )

    def one_of_each(self) -> list[Record]:
        """One record for each outcome, with everything a record can carry."""
        return [
            self.record(
                f"layers/family/{outcome}",
                outcome=outcome,
                stage=Stage.LOAD,
                op="Conv<2D>",
                layer="dense|1",
                message=f"said of {outcome}",
                parity=self.parity(),
                latency=self.latency(),
                layout=PortLayouts(input=("NCHW",), output=("as-keras",)),
                layers=(LayerVerdict(name="dense", class_="Dense", outcome=outcome, message="inner"),),
                advice=("take route pb",),
                artifact="sha256:feed",
                stderr="what OpenCV printed",
                expected="import-error: because",
                ops={"Conv": 2, "Relu": 1},
                seconds={"load": 0.5},
            )
            for outcome in Outcome
        ]

    def hostile_record(self, case: str = HOSTILE, **changes: object) -> Record:
        """Return a record whose every free text is an attack."""
        text = HOSTILE
        return self.record(
            case,
            **{
                "route": text,
                "target": Target(opencv=text, engine_asked=text, engine_used=text, numpy=text, python=text),
                "family": text,
                "outcome": Outcome.MISMATCH,
                "judgement": Judgement.NEW_FAILURE,
                "op": text,
                "layer": text,
                "message": text,
                "signal": text,
                "parity": replace(
                    self.parity(None),
                    why=text,
                    worst_input=text,
                    output=text,
                    by_input=(InputMargin(plan=text, margin=None), InputMargin(plan="ramp", margin=0.5)),
                    error_map=ErrorMap(axes=text, size=(2, 2), rows=("01", "x9")),
                ),
                "layout": PortLayouts(input=(text,), output=(text,)),
                "layers": (
                    LayerVerdict(
                        name=text,
                        class_=text,
                        outcome=Outcome.UNSUPPORTED_OP,
                        op=text,
                        message=text,
                        config=text,
                        like=(text,),
                    ),
                ),
                "op_table": (
                    OpVerdict(
                        op=text,
                        attributes=text,
                        inputs=(text,),
                        count=2,
                        layers=(text,),
                        outcome=Outcome.CRASH,
                        message=text,
                    ),
                ),
                "graph": (Node(layer=text, class_=text, after=()), Node(layer="dense", class_=text, after=(0,))),
                "latency": self.profiled(text),
                "culprit": Culprit(
                    layer=text, class_=text, config=text, outcome=text, how=text, input=text, alone=text
                ),
                "advice": (text,),
                "artifact": text,
                "seconds": {text: 1.0},
                "expected": text,
                "stderr": text,
                "reproduce": text,
                "ops": {text: 1},
                **changes,
            },
        )

    def info(self, planned: int, **changes: object) -> RunInfo:
        plain = RunInfo(
            started="2026-11-22T11:00:00+00:00",
            seconds=75,
            command="dnn-harness run --zoo core",
            host="Linux x86_64, 2 cores",
            planned=planned,
            versions={"tensorflow": "2.21.0"},
            routes={route: f"what {route} is" for route in ROUTES},
        )
        return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture
def samples() -> Samples:
    return Samples()
