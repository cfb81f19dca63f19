"""The committed atlas says what a fresh run says: a sample of its cells on the installed OpenCV.

Another sample with every atlas. `ATLAS_SAMPLE=200 pytest tests/conformance/test_atlas_sample.py` takes a larger one,
`ATLAS_OPENCV=4.9.0.80` another release.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cases import Tier, load_zoos
from harness.cells import subjects
from harness.effects.config import settle
from harness.encoding import from_json, to_json
from harness.pure.atlas import Answers, Atlas, Span, at
from harness.records import Outcome, Record
from harness.usecases.session import Session

ROOT = Path(__file__).parents[2]
ATLAS = ROOT / "reports" / "atlas" / "atlas.json"
SAMPLE = int(os.environ.get("ATLAS_SAMPLE", "8"))
OPENCV = os.environ.get("ATLAS_OPENCV", "installed")
COSTLY = "architectures/"
"""Building one takes as long as all others of a sample together; the core ones are in the conformance suite."""

pytestmark = pytest.mark.xdist_group("atlas")


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return from_json(ATLAS.read_text(encoding="utf-8"), Atlas)


@pytest.fixture(scope="module")
def session():
    with Session(replace(settle({}, start=ROOT), opencv=(OPENCV,), repeats=0)) as session:
        yield session


def drawn(atlas: Atlas, place: int) -> list[tuple[str, Answers, Span]]:
    """Cells whose outcome is the same every time."""
    cells = [
        (case.case, answers, span)
        for case in atlas.cases
        for answers in case.answers
        if not case.case.startswith(COSTLY) and answers.engine == "default"
        if (span := at(answers, place)) is not None and span.outcome is not Outcome.NONDETERMINISTIC
    ]
    return random.Random(to_json(atlas.parts)).sample(cells, min(SAMPLE, len(cells)))


def test_a_sample_of_the_atlas_is_what_a_fresh_run_gives(atlas, session):
    release = next(iter(session.targets().values())).opencv
    if release not in atlas.releases:
        pytest.skip(f"the atlas has no OpenCV {release}")
    sample = drawn(atlas, atlas.releases.index(release))
    records: dict[tuple[str, str], Record] = {}
    cells = []
    for case, answers, _ in sample:
        with session.using(replace(session.settings, route=(answers.route,))):
            cells += session.cells(subjects.from_text(case, zoo=session.settings.zoo))
    session.run(cells, lambda record: records.update({(record.case, record.route): record}), properties=False)
    said = {(case, answers.route): (span.outcome, span.stage, span.op) for case, answers, span in sample}
    seen = {cell: (record.outcome, record.stage, record.op) for cell, record in records.items()}
    assert seen == said


def test_the_atlas_covers_the_zoo_and_every_minor_release(atlas):
    """All layers and blocks, and of the architectures those of the core zoo at least: the large ones take days."""
    there = {case.case for case in atlas.cases}
    cases = [case for case in load_zoos(("model_zoo",)) if not case.requires]
    wanted = {case.id for case in cases if case.tier is Tier.CORE or not case.id.startswith(COSTLY)}
    assert wanted - there == set()
    minors = {tuple(map(int, release.split(".")[:2])) for release in atlas.releases}
    assert minors == {*((4, minor) for minor in range(5, 15)), (5, 0)}
