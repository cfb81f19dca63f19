from __future__ import annotations

from dataclasses import replace

import pytest

from harness.detection import Survivor
from harness.effects.config import settle
from harness.errors import UsageError
from harness.pure.faults import catalogue
from harness.records import Outcome
from harness.usecases import selftest
from harness.usecases.planted import EXCESSES, ROUTE, Findings, Trial
from harness.usecases.session import Session

SURVIVOR = Survivor(case="a", route="onnx", kind="bias-dropped", change="x", equivalent=True, reason="the same bits")
FINDINGS = (
    Findings(
        case="layers/a",
        trials=(
            Trial(kind="bias-dropped", detected=True),
            Trial(kind="bias-dropped", survivor=SURVIVOR),
            Trial(kind="bias-dropped", survivor=replace(SURVIVOR, equivalent=False)),
            Trial(kind="bias-dropped", refused=True),
            Trial(kind="output-stale", detected=True),
        ),
        thresholds=((1e-2, True), (1e-5, False)),
    ),
    Findings(case="layers/b", trials=(Trial(kind="output-stale", detected=True),), thresholds=((1e-2, True),)),
    Findings(case="layers/odd", outcome=Outcome.MISMATCH),
)


@pytest.fixture
def session(tmp_path):
    settings = settle({"store": str(tmp_path / "store"), "zoo": "model_zoo"}, start=tmp_path, environ={})
    with Session(settings) as session:
        yield session


def test_every_trial_is_counted_once_and_kinds_without_any_are_named(session):
    found = selftest.summarise(session, "core", FINDINGS, (7, ()), "dnn-harness selftest")
    counts = {kind.kind: kind for kind in found.kinds}
    assert list(counts) == [fault.kind for fault in catalogue()]
    bias = counts["bias-dropped"]
    assert (bias.planted, bias.detected, bias.equivalent, bias.missed, bias.refused) == (3, 1, 1, 1, 1)
    assert counts["output-stale"].detected == 2
    assert counts["softmax-axis"].planted == 0
    assert (found.detected, found.applicable) == (3, 4)
    assert [survivor.equivalent for survivor in found.survivors] == [False, True]
    assert (found.cases, found.left_out) == (2, {"layers/odd": "mismatch"})


def test_thresholds_are_counted_over_the_cases(session):
    found = selftest.summarise(session, "core", FINDINGS, (7, ()), "")
    shares = {threshold.excess: (threshold.detected, threshold.planted) for threshold in found.thresholds}
    assert shares == dict.fromkeys(EXCESSES, (0, 0)) | {1e-2: (2, 2), 1e-5: (0, 1)}


def test_one_cell_per_case_and_those_that_are_not_clean_are_left_out(session):
    cells = selftest.cells_of(session, "layers/cropping2d/*")
    assert {cell.route for cell in cells} == {ROUTE}
    assert len({cell.subject.id for cell in cells}) == len(cells) > 1
    findings = [Findings(case=cells[0].subject.id), Findings(case=cells[1].subject.id, outcome=Outcome.CRASH)]
    assert selftest.clean_among(cells, findings) == cells[:1]


def test_figures_are_about_one_opencv(session):
    two = replace(session.settings, opencv=("installed", "4.10.0.84"))
    refused = pytest.raises(UsageError, match=r"runs on one OpenCV, not on installed, 4\.10\.0\.84")
    with session.using(two), refused:
        selftest.cells_of(session, "core")
