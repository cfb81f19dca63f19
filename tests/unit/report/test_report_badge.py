from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from harness.records import Judgement, Outcome
from harness.report.badge import write_badge
from harness.report.words import SHADES, Tone

SVG = "{http://www.w3.org/2000/svg}"


def read(text: str) -> tuple[str, list[str], str]:
    """Title, shown texts, and the colour behind the second; strictly parsed."""
    root = ET.fromstring(text)
    rectangles = [found.get("fill", "") for found in root.iter(f"{SVG}rect")]
    return root.findtext(f"{SVG}title", ""), [found.text or "" for found in root.iter(f"{SVG}text")], rectangles[-1]


def badge(samples, *records, **info):
    return read(write_badge(records, samples.info(info.pop("planned", len(records)), **info)))


def known(samples, case, **more):
    return samples.record(case, outcome=Outcome.CRASH, **more)


def test_it_counts_cases_that_one_route_serves_on_the_newest_release(samples):
    records = [
        samples.record("layers/a"),
        known(samples, "layers/a", route="pb"),
        samples.record("layers/b"),
        known(samples, "layers/c"),
        *(samples.record(f"layers/{name}", opencv="4.14.0.94") for name in "abc"),
    ]
    title, texts, colour = badge(samples, *records)
    assert title == "OpenCV 5.0: 2 of 3 layers"
    assert texts == ["OpenCV 5.0", "2 of 3 layers"]
    assert colour == SHADES[Tone.REFUSED].light


@pytest.mark.parametrize(
    ("changes", "info", "said", "tone"),
    [
        ({}, {}, "1 of 1 layers", Tone.GOOD),
        ({"outcome": Outcome.MISMATCH, "judgement": Judgement.NEW_FAILURE}, {}, "0 of 1 layers", Tone.WRONG),
        ({}, {"planned": 2}, "1 of 1 layers, not complete", Tone.UNPROVEN),
        ({"outcome": Outcome.ROUTE_ABSENT}, {}, "0 of 0 layers", Tone.REFUSED),
    ],
)
def test_its_colour_says_what_the_numbers_are_worth(samples, changes, info, said, tone):
    title, _, colour = badge(samples, samples.record("layers/a", **changes), **info)
    assert title == f"OpenCV 5.0: {said}"
    assert colour == SHADES[tone].light


def test_kinds_of_cases_are_added_up(samples):
    assert badge(samples, samples.record("layers/a"), samples.record("blocks/b"))[0] == "OpenCV 5.0: 2 of 2 networks"


def test_a_run_without_records_says_so(samples):
    assert badge(samples, planned=3)[0] == "OpenCV: nothing was run"


def test_hostile_text_is_text_and_valid_xml(samples):
    title, _, _ = badge(samples, replace(samples.hostile_record(), case="\ufffe\x00<kind>/a", family=""))
    assert "<script>alert('x')</script>" in title
    assert "<kind>" in title
    assert "\x1b" not in title


def test_it_asks_for_nothing(samples):
    text = write_badge([samples.record()], samples.info(1))
    assert "href" not in text
    assert text.count("http") == 1  # the name of SVG itself
    assert "script" not in text


def test_the_usual_engine_goes_before_another(samples):
    other = samples.record("layers/a", outcome=Outcome.CRASH)
    other = samples.record(
        "layers/a", outcome=Outcome.CRASH, target=type(other.target)(opencv="5.0.0.93", engine_asked="CLASSIC")
    )
    assert badge(samples, other, samples.record("layers/a"))[0] == "OpenCV 5.0: 1 of 1 layers"
