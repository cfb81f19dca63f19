from __future__ import annotations

import dataclasses

from harness import records
from harness.encoding import to_data
from harness.records import CellId, Outcome, Record, Target

RECORD = Record(case="layers/dense", route="onnx", target=Target(opencv="5.0.0.93"), outcome=Outcome.OK)


def test_the_fields_that_other_tools_rely_on_are_there():
    promised = "schema case route target outcome stage op layer message signal parity layout latency layers advice"
    assert set(to_data(RECORD)) >= {*promised.split(), "artifact", "seconds"}
    assert set(to_data(RECORD)["target"]) >= {"opencv", "engine_asked", "engine_used", "backend", "numpy", "python"}
    assert to_data(RECORD)["schema"] == records.SCHEMA == 1


def test_every_promised_outcome_has_its_word():
    words = (
        "ok unsupported-op import-error runtime-error wrong-shape mismatch crash timeout out-of-memory "
        "nondeterministic route-absent export-failed vacuous no-reference harness-error"
    )
    assert {outcome.value for outcome in Outcome} == set(words.split())


def test_a_cell_is_told_by_five_words():
    cell = CellId.of(RECORD)
    assert (cell.case, cell.route, cell.opencv, cell.engine) == ("layers/dense", "onnx", "5.0.0.93", "default")
    assert str(cell) == "layers/dense [onnx, OpenCV 5.0.0.93/default]"
    half = dataclasses.replace(RECORD, target=Target(opencv="5.0.0.93", backend="opencv/cpu_fp16"))
    assert CellId.of(half) != cell
    assert str(CellId.of(half)).endswith("OpenCV 5.0.0.93/default, opencv/cpu_fp16]")
    other = dataclasses.replace(RECORD, target=Target(opencv="5.0.0.93", engine_asked="NEW", engine_used="new"))
    assert CellId.of(other) != cell
    same = dataclasses.replace(RECORD, target=Target(opencv="5.0.0.93", engine_used="classic", numpy="2"))
    assert CellId.of(same) == cell
