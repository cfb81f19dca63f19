"""The report as readers use it: filters, sorting, addresses, models' pages, keyboard, paper; twelve thousand cells."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.records import Judgement, Outcome, Record, Stage
from harness.report import write_html

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.xdist_group("browser")

RELEASES = ("4.5.5.64", "4.8.1.78", "4.10.0.84", "4.14.0.94", "5.0.0.93")
ROUTES = ("pb", "onnx", "tflite")


def records(samples, cases: int, releases=RELEASES) -> Iterator[Record]:
    """Yield cells of every kind: ok, ok since a release, an op that is missing, numbers that differ, a new crash."""
    for number in range(cases):
        case = f"layers/family{number % 40}/case{number}"
        for route in ROUTES:
            for place, opencv in enumerate(releases):
                yield samples.record(case, route=route, opencv=opencv, **answer(samples, number, route, place))


def answer(samples, number: int, route: str, place: int) -> dict[str, object]:
    if route == "tflite" and place == 0:
        return {"outcome": Outcome.ROUTE_ABSENT, "stage": Stage.LOAD}
    if number % 5 == 1 and place < 3:
        told = {"op": "TopKV2", "layer": f"sort_{number}", "message": f"no layer for op TopKV2 in {number}"}
        return {"outcome": Outcome.UNSUPPORTED_OP, "stage": Stage.LOAD, "stderr": "what OpenCV printed", **told}
    if number % 7 == 2 and route == "onnx":
        wrong = samples.parity(1e4 * (1 + number))
        return {"outcome": Outcome.MISMATCH, "stage": Stage.COMPARE, "parity": wrong, "layer": samples.hostile}
    if number == 3 and route == "pb" and place == 4:
        return {"outcome": Outcome.CRASH, "signal": "SIGSEGV", "judgement": Judgement.NEW_FAILURE}
    return {"parity": samples.parity(0.1), "latency": samples.latency(0.5 + number), "ops": {"Conv": 1, "Relu": 2}}


@pytest.fixture
def report(samples, tmp_path: Path) -> Path:
    """A report whose models' pages are packed, but for the worst."""
    return written(samples, tmp_path, 120)


def written(samples, folder: Path, cases: int, releases=RELEASES) -> Path:
    everything = list(records(samples, cases, releases))
    path = folder / "report.html"
    path.write_text(write_html(everything, samples.info(len(everything))), encoding="utf-8")
    return path


def go(page: Page, address: str) -> Page:
    """Open the same file anew at an address, as somebody does who was sent it."""
    page.goto(f"{page.url.partition('#')[0]}{address}")
    page.reload()
    return page


def choice(page: Page, name: str) -> Locator:
    return page.locator(f".filter [name={name}]")


def rows(page: Page) -> list[str]:
    return page.locator(".matrix tr[data-m]:visible th a").all_inner_texts()


def shown(page: Page, cells: int) -> None:
    """Wait until so many cells are counted as shown."""
    expect(page.locator(".filter output")).to_have_text(f"{cells:,} cells")


def clear(page: Page, cases: int = 120) -> None:
    """Press the button that takes all filters away."""
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".matrix tr[data-m]:visible")).to_have_count(cases)


def count(samples, fits: Callable[[Record], bool]) -> int:
    return sum(map(fits, records(samples, 120)))


# -- filters, sorting, addresses --------------------------------------------------------------------------------------


def test_filters_narrow_the_matrix_and_the_lists(browse, samples, report):
    page = browse(report)
    choice(page, "op").fill("topk")
    shown(page, count(samples, lambda record: record.op == "TopKV2"))
    assert len(rows(page)) == 24
    assert page.locator("#attention tr[data-of]:visible").count() == 0
    clear(page)
    choice(page, "outcome").select_option("o-mismatch")
    shown(page, count(samples, lambda record: record.outcome is Outcome.MISMATCH))
    choice(page, "text").fill("case16 5.0.0.93")
    shown(page, 2)  # a field that spans 4.14 and 5.0 is one answer
    clear(page)
    choice(page, "text").fill("TOPKV2 case11 no layer")
    shown(page, count(samples, lambda record: record.op == "TopKV2" and "case11" in record.case))
    assert "#text=TOPKV2+case11+no+layer" in page.url


def test_the_layer_and_the_family_are_filters_too(browse, samples, report):
    page = browse(report)
    choice(page, "layer").fill("sort_11")
    shown(page, count(samples, lambda record: (record.layer or "").startswith("sort_11")))
    assert rows(page) == ["layers/family11/case11", "layers/family31/case111", "layers/family36/case116"]
    choice(page, "layer").fill("")
    choice(page, "family").select_option("layers/family7")
    shown(page, 45)
    assert rows(page) == [f"layers/family7/case{number}" for number in (47, 7, 87)]


def test_what_a_model_calls_its_layers_can_be_searched_and_stays_text(browse, samples, report):
    page = browse(report)
    choice(page, "layer").fill("<script>alert('x')")
    shown(page, count(samples, lambda record: record.outcome is Outcome.MISMATCH))
    assert page.evaluate("document.scripts.length") == 2


def test_sorting_puts_the_worst_first_and_families_come_back(browse, report):
    page = browse(report)
    first, top = rows(page), page.locator(".matrix tr[data-m]:visible th a").first
    choice(page, "sort").select_option("worst")
    expect(top).to_have_text("layers/family3/case3")
    choice(page, "sort").select_option("margin")
    expect(top).to_have_text("layers/family34/case114")
    choice(page, "sort").select_option("latency")
    expect(top).to_have_text("layers/family39/case119")
    head = page.locator(".matrix thead [data-sort=column]").nth(1)
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert "sort=column-1" in page.url
    assert rows(page)[0] == "layers/family1/case1"
    head.get_by_role("button").click()
    expect(page.locator("[aria-sort]")).to_have_count(0)
    assert rows(page) == first


def test_an_address_restores_filters_sorting_and_what_is_open(browse, report):
    page = browse(report)
    field = page.locator("tr[data-m]", has_text="case11").first.locator("td a").first
    choice(page, "op").fill("topk")
    expect(page.locator(".filter output")).not_to_have_text("")
    anchor = field.get_attribute("href")
    field.click()
    page.locator(".model.open").wait_for()
    address = f"#{page.url.partition('#')[2]}"
    assert address == f"#op=topk&open={anchor[1:]}"
    again = go(browse(report), address)
    again.locator(f".model.open [data-cell='{anchor[1:]}'][open]").wait_for()
    assert choice(again, "op").input_value() == "topk"
    again.get_by_role("link", name="Matrix").first.click()
    assert len(rows(again)) == 24


def test_an_address_restores_a_column_that_was_sorted_by(browse, report):
    page = go(browse(report), "#sort=column-1&text=case1")
    expect(page.locator("[aria-sort=descending]")).to_have_count(1)
    assert rows(page)[0] == "layers/family1/case1"
    assert choice(page, "sort").evaluate("one => one.selectedOptions[0].text") == "by pb 4.8.1.78"


def test_an_address_of_nothing_that_is_there_opens_the_report(browse, report):
    page = go(browse(report), "#outcome=nonsense&sort=column-99&open=c-0000000000&%E0%A4%A")
    assert len(rows(page)) == 120
    assert page.locator("#matrix").is_visible()


def test_an_operation_leads_to_the_cases_that_have_it(browse, report):
    page = browse(report)
    page.get_by_role("link", name="Relu").first.click()
    expect(page.locator(".filter output")).not_to_have_text("")
    assert choice(page, "text").input_value() == "Relu"
    assert len(rows(page)) > 50


# -- models' pages ----------------------------------------------------------------------------------------------------


def test_a_field_opens_its_models_page_and_the_way_back_is_back(browse, report):
    page = browse(report)
    field = page.locator("tr[data-m]", has_text="case11").first.locator("td a").first
    field.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    field.click()
    cell = page.locator(".model.open details.cell[open]")
    cell.get_by_text("what OpenCV printed").first.wait_for()
    assert "no layer for op TopKV2 in 11" in cell.first.inner_text()
    assert not page.locator("#matrix").is_visible()
    page.go_back()
    page.locator("#matrix").wait_for()
    expect(page.locator(".model.open")).to_have_count(0)
    assert abs(page.evaluate("scrollY") - before) < 50


def test_a_command_is_copied_whole(browse, report):
    page = browse(report)
    page.locator("tr[data-m]", has_text="case11").first.locator("td a").first.click()
    page.locator(".model.open details[open] .copy").first.click()
    page.get_by_text("Copied").first.wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == (
        "dnn-harness run --zoo 'layers/family11/case11' --route pb --opencv 4.10.0.84"
    )


def test_a_models_page_is_readable_for_everybody(browse, violations, report):
    page = browse(report)
    page.locator("tr[data-m]", has_text="case2").first.locator("td a").first.click()
    page.locator(".model.open").wait_for()
    assert "\n".join(violations(page)) == ""


def test_the_keyboard_reaches_a_field_and_opens_it(browse, report):
    page = browse(report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    field = page.locator("tr[data-m]", has_text="case11").first.locator("td a").first
    field.focus()
    page.keyboard.press("Enter")
    page.locator(".model.open").wait_for()
    assert page.evaluate("document.activeElement.closest('.cell').open")
    page.keyboard.press("Escape")
    expect(page.locator(".model.open")).to_have_count(0)
    assert page.locator("#matrix").is_visible()


def test_a_browser_that_cannot_unpack_shows_the_lists(browse, report):
    page = browse(report)
    page.evaluate("delete globalThis.DecompressionStream")
    field = page.locator("tr[data-m]", has_text="case11").first.locator("td a").first
    anchor = field.get_attribute("href")
    field.click()
    row = page.locator(f"#attention {anchor}")
    row.wait_for()
    assert "no layer for op TopKV2 in 11" in row.inner_text()
    assert page.locator(".model.open").count() == 0


def test_without_javascript_every_failure_and_every_worst_page_is_there(browse, report):
    page = browse(report, javascript=False)
    assert not page.locator(".filter").is_visible()
    text = page.locator("main").text_content() or ""
    assert all(f"no layer for op TopKV2 in {number}" in text for number in range(1, 120, 5))
    assert page.locator(".model").count() == 12
    links = page.locator("a[href^='#c-']").evaluate_all("all => all.map(one => one.hash.slice(1))")
    ids = set(page.locator("[id]").evaluate_all("all => all.map(one => one.id)"))
    assert len(links) > 300
    assert set(links) <= ids


def test_on_paper_nothing_is_folded_away(browse, samples, tmp_path):
    path = written(samples, tmp_path, 3)
    page = browse(path)
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.cell:not([open])").count() == 0
    assert page.locator("#attention .more:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.cell:not([open])").count() > 0
    assert page.pdf()[:5] == b"%PDF-"


def test_colours_follow_the_readers_choice_in_charts_too(browse, report):
    inks = []
    for dark in (False, True):
        page = browse(report, dark=dark)
        inks.append(page.evaluate("getComputedStyle(document.querySelector('.chart .dot')).fill"))
    assert len(set(inks)) == 2
    assert all(re.fullmatch(r"rgb\(\d+, \d+, \d+\)", ink) for ink in inks)


# -- size -------------------------------------------------------------------------------------------------------------


_TYPED = """async (words) => {
    const form = document.querySelector(".filter");
    form.elements.text.value = words;
    const told = form.querySelector("output");
    const done = new Promise((answer) => new MutationObserver(answer).observe(told, {childList: true}));
    const before = performance.now();
    form.dispatchEvent(new Event("input"));
    await done;
    await new Promise((answer) => requestAnimationFrame(() => setTimeout(answer)));
    return performance.now() - before;
}"""
"""From the last letter typed to the frame that shows the answer; a tenth of a second of it waits for more letters."""


def test_twelve_thousand_cells_open_filter_and_scroll(browse, samples, tmp_path, record_property):
    releases = (*RELEASES, "4.6.0.66", "4.7.0.72", "4.9.0.80", "4.11.0.86", "4.12.0.88", "4.13.0.92")
    path = written(samples, tmp_path, 364, releases)
    page = browse(path)
    figures = page.evaluate(
        """() => { const [there] = performance.getEntriesByType('navigation');
            const [paint] = performance.getEntriesByName('first-contentful-paint');
            return {load_ms: there.loadEventEnd, paint_ms: paint?.startTime}; }"""
    )
    figures["megabytes"] = path.stat().st_size / 1e6
    figures["filter_ms"] = page.evaluate(_TYPED, "topkv2")
    assert len(rows(page)) == 73
    clear(page, 364)
    figures["frames"] = page.evaluate(
        """async () => { const box = document.querySelector('#matrix .wrap'); box.scrollIntoView();
            const times = [];
            for (let step = 0; step < 40; step += 1) {
              const before = performance.now();
              box.scrollTop += 500;
              await new Promise(requestAnimationFrame);
              times.push(performance.now() - before);
            }
            return {scrolled: box.scrollTop, longest_ms: Math.max(...times)}; }"""
    )
    assert figures["frames"]["scrolled"] > 10_000
    record_property("figures", json.dumps(figures))
    print(f"\n12,012 cells: {json.dumps(figures)}")
