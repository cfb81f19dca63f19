"""What is looked for, and which layers are looked at together; finding them for real: tests/integration."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cells.locating import is_to_locate, spread
from harness.evidence import Property
from harness.properties import Name
from harness.records import Outcome, Record, Stage, Target
from harness.routes import all_routes
from harness.sources import SourceKind


def failing(outcome: Outcome, stage: Stage, layer: str | None = None) -> Record:
    return Record(case="c", route="onnx", target=Target(opencv="5.0.0"), outcome=outcome, stage=stage, layer=layer)


def varying(name: Name) -> Record:
    broken = Property(name=name.value, held=False, message="bits differ")
    return replace(failing(Outcome.NONDETERMINISTIC, Stage.COMPARE), properties=(broken,))


WRONG = failing(Outcome.MISMATCH, Stage.COMPARE, "named")
REFUSED = failing(Outcome.IMPORT_ERROR, Stage.LOAD)
STOPPED = failing(Outcome.RUNTIME_ERROR, Stage.FORWARD)


@pytest.mark.parametrize(
    ("record", "route", "kind", "expected"),
    [
        (WRONG, "onnx", SourceKind.CASE, True),
        (WRONG, "pb-naive", SourceKind.KERAS, True),
        (WRONG, "onnx-keras", SourceKind.CASE, False),
        (WRONG, "as-is", SourceKind.ONNX, False),
        (REFUSED, "onnx", SourceKind.CALLABLE, True),
        (REFUSED, "pb-naive", SourceKind.CALLABLE, False),
        (STOPPED, "tflite-naive", SourceKind.CASE, True),
        (failing(Outcome.RUNTIME_ERROR, Stage.FORWARD, "named"), "onnx", SourceKind.CASE, False),
        (failing(Outcome.TIMEOUT, Stage.FORWARD), "onnx", SourceKind.CASE, False),
        (failing(Outcome.VACUOUS, Stage.COMPARE), "onnx", SourceKind.CASE, False),
        (varying(Name.THREADS), "onnx", SourceKind.CASE, True),
        (varying(Name.RELOAD), "onnx", SourceKind.CASE, False),
    ],
)
def test_a_layer_is_looked_for_where_one_can_be_found_and_nobody_names_it(record, route, kind, expected):
    assert is_to_locate(record, all_routes()[route], kind) is expected


@given(st.integers(1, 400), st.integers(1, 40))
def test_layers_looked_at_together_are_spread_over_all_and_end_with_the_last(count, most):
    places = list(range(count))
    chosen = spread(places, most)
    assert chosen == sorted(set(chosen))
    assert chosen[-1] == places[-1]
    assert len(chosen) <= min(count, most)
    gaps = [b - a for a, b in zip([-1, *chosen], chosen, strict=False)]
    assert max(gaps) <= count / min(most, count) + 1
