"""Every page the harness writes opens in a browser, alone, without an error, and for everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.operators import Answer, OperatorRecord
from harness.pure.atlas import Part, build_atlas
from harness.pure.differing import compare
from harness.pure.pace import pace
from harness.records import Outcome, Stage, Target
from harness.report import write_html
from harness.report.atlas_page import write_atlas_page
from harness.report.differences import write_difference_page
from harness.report.operator_pages import write_operator_page
from harness.report.operator_table import build_table

pytestmark = pytest.mark.xdist_group("browser")

ATLAS = Path(__file__).parents[2] / "reports" / "atlas" / "index.html"
OLD, NEW = "4.14.0.94", "5.0.0.93"


def report_page(samples):
    records = [*samples.one_of_each(), samples.record(), samples.record(opencv=OLD), samples.hostile_record()]
    return write_html(records, samples.info(len(records) + 1))


def atlas_page(samples):
    works = samples.record("layers/layer_normalization/axis")
    fails = replace(works, outcome=Outcome.UNSUPPORTED_OP, stage=Stage.LOAD, op=samples.hostile, message="no layer")
    records = [
        replace(fails, target=Target(opencv=OLD)),
        works,
        replace(works, route="pb"),
        replace(works, route="pb-naive"),
        samples.record("layers/dense/plain"),
    ]
    classes = {"layers/layer_normalization/axis": ("InputLayer", samples.hostile), "layers/dense/plain": ("Dense",)}
    part = Part(started="2026-11-25T10:00:00+00:00", command="dnn-harness run")
    atlas = build_atlas(records, classes, part=part, versions={"keras": "3"})
    return write_atlas_page(atlas, "dnn-harness run", ["onnx", "pb"], ["pb-naive"])


def difference_page(samples):
    works = samples.record(opencv=OLD)
    fails = samples.record(outcome=Outcome.CRASH, stage=Stage.LOAD, layer=samples.hostile, advice=(samples.hostile,))
    slower = pace("nets/b", "pb", "default", [1.0] * 15, [2.0] * 15)
    return write_difference_page(compare([works], [fails], [slower]), f"dnn-harness diff {samples.hostile}")


def operator_page(samples):
    def record(name, strict, lenient, message=None):
        target = Target(opencv=NEW, engine_used="new")
        told = {"operator": "Abs", "opset": 13, "expanded": False, "message": message, "stage": Stage.COMPARE}
        return OperatorRecord(case=f"node/{name}", target=target, strict=strict, lenient=lenient, **told)

    records = [
        record("test_a", Answer.OK, Answer.OK),
        record("test_b", Answer.MISMATCH, Answer.MISMATCH, samples.hostile),
        record("test_c", Answer.WRONG_SHAPE, Answer.OK),
    ]
    command = "dnn-harness operators --only '<b>'"
    return write_operator_page(build_table(records, corpus="onnx 1.2", command=command, started="s", planned=4))


PAGES = (report_page, atlas_page, difference_page, operator_page)


@pytest.fixture(params=PAGES, ids=lambda write: write.__name__)
def page_file(request: pytest.FixtureRequest, samples, tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(request.param(samples), encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_is_readable_for_everybody(browse: Callable, violations: Callable, page_file, dark):
    page = browse(page_file, dark=dark)
    assert "\n".join(violations(page)) == ""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
    assert (max(colour) < 80) if dark else (min(colour) > 200)


def test_a_page_says_the_same_without_javascript(browse, page_file):
    first, second = (browse(page_file, javascript=on).locator("main").inner_text() for on in (False, True))
    assert len(first) > 100
    assert sorted(set(second.split()) - set(first.split()) - {"Copy"}) == []


@pytest.mark.parametrize("width", [360, 1920])
def test_a_page_is_no_wider_than_its_window(browse, page_file, width):
    page = browse(page_file, size=(width, 800))
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_atlas_of_this_repository_opens_and_finds(browse):
    page = browse(ATLAS)
    page.get_by_role("searchbox").fill("layer_normalization")
    rows = page.locator("tr[data-k]:visible")
    assert 0 < rows.count() < page.locator("tr[data-k]").count()
    assert "layer_normalization" in rows.first.inner_text().lower()
    assert page.url.endswith("#q=layer_normalization")


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("<script>console.error('it broke')</script>", "console error: it broke"),
        ("<script>throw new Error('thrown')</script>", "page error: thrown"),
        ("<img alt='' src='beside.png'>", "request: file://.*beside.png"),
        ("<link rel=stylesheet href='https://fonts.invalid/a.css'>", "request: https://fonts.invalid/a.css"),
    ],
)
def test_a_page_that_errs_or_asks_for_more_is_caught(chromium, tmp_path, wrong, complaint):
    path = tmp_path / "wrong.html"
    path.write_text(f"<!doctype html><title>t</title>{wrong}")
    with pytest.raises(AssertionError, match=complaint), chromium.opened(path) as page:
        page.wait_for_load_state("load")


def test_what_keeps_people_out_is_found(browse, violations, tmp_path):
    path = tmp_path / "wrong.html"
    path.write_text("<!doctype html><title>t</title><main><h1>t</h1><p style='color:#ccc'>pale</p></main>")
    found = violations(browse(path))
    assert any("html-has-lang" in one for one in found)
    assert any("color-contrast" in one for one in found)
