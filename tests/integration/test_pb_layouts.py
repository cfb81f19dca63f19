"""What OpenCV makes of the graphs that are written for it: shapes, orders of axes and broadcasts, number for number."""

from __future__ import annotations

import pytest

from harness.effects.config import settle
from harness.records import Outcome, Record
from harness.usecases.session import Session

pytestmark = pytest.mark.xdist_group("pb_layouts")  # what its fixtures make is made once

CASES = (
    "layers/reshape/dense-conv2d",
    "layers/permute/reversed",
    "blocks/transformer_encoder",
    "blocks/vit_block",
    "blocks/wavenet",
    "blocks/shuffle_unit",
    "blocks/cbam",
    "blocks/pixel_shuffle",
    "blocks/group_normalised",
    "blocks/inception_time",
    "layers/model/intermediate-output",
    "blocks/coordinate_attention",
)
"""Each reads otherwise than it is meant if one of the rules in `rules/pb/` or a word of `spelling.py` is missing."""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    folder = tmp_path_factory.mktemp("layouts")
    options = {"zoo": "model_zoo", "store": str(folder / "store"), "route": "pb", "draws": 1, "jobs": 1, "repeats": 1}
    found: dict[str, Record] = {}
    with Session(settle(options, start=folder, environ={})) as session:
        cells = [cell for case in CASES for cell in session.plan_zoo(case).cells]
        session.run(cells, lambda record: found.update({record.case: record}))
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_numbers_are_right(records, case):
    assert records[case].outcome is Outcome.OK, records[case]
