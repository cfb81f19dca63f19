from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest

from harness.detection import Detection, KindCount, Survivor, Threshold
from harness.records import Judgement, Outcome
from harness.report import RunInfo, words, write_html

_VOID = {"meta", "link", "input", "br", "wbr", "img", "hr", "col"}
_ADDRESSES = {"src", "href", "action", "srcset", "poster", "data", "formaction", "background"}


class Page(HTMLParser):
    """Parses strictly: every tag that opens must close in order, and no id may occur twice."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in _VOID:
            self.open.append(tag)
        for name, value in attrs:
            self.ids += [value or ""] if name == "id" else []
            self.addresses += [value or ""] if name in _ADDRESSES else []
            self.handlers += [name] if name.startswith("on") else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def test_every_outcome_is_in_the_matrix_with_symbol_text_and_colour(samples):
    page = write_html(samples.one_of_each(), samples.info(len(Outcome)))
    for outcome, word in words.OUTCOMES.items():
        said = f"<b>{re.escape(word.symbol)} {outcome}</b>"
        cell = rf'<td class="o-{outcome}( a)?"[^>]*><a href="#c-[^"]+" title="[^"]+">{said}'
        assert re.search(cell, page), outcome
        assert f".o-{outcome}{{--c:var(--{word.tone})}}" in page
        assert f"--{word.tone}:{words.SHADES[word.tone].dark}" in page


def test_every_link_inside_the_page_leads_somewhere(samples):
    page = Page(write_html(samples.one_of_each(), samples.info(len(Outcome))))
    anchors = [address[1:] for address in page.addresses if address.startswith("#") and "=" not in address]
    assert len(anchors) > len(Outcome)
    assert set(anchors) <= set(page.ids)


def test_details_of_a_failing_cell_show_all_that_is_known(samples):
    page = Page(write_html(samples.one_of_each(), samples.info(len(Outcome)))).text
    for known in (
        "said of crash",
        "what OpenCV printed",
        "32 x TensorFlow's own float32 error",
        "uniform seed=3",
        "in NCHW; out as-keras",
        "Conv 2, Relu 1",
        "load 12 ms; forward 1.5 ms median, 1.0 ms least, 2.0 ms p95, of 20",
        "sha256:feed",
        "take route pb",
        "import-error: because",
        "2.50e-07, allowed 1.00e-06: margin 0.25",
    ):
        assert known in page


def test_page_holds_the_reproduce_command_of_every_cell(samples):
    records = [
        samples.record(f"layers/dense/{outcome}", outcome=outcome, route=route)
        for outcome in Outcome
        for route in ("pb", "onnx")
    ]
    page = unescape(write_html(records, samples.info(len(records))))
    assert all(f"{record.reproduce}</pre>" in page for record in records)


def test_hostile_text_cannot_become_markup(samples):
    info = samples.info(
        2,
        title=samples.hostile,
        command=samples.hostile,
        host=samples.hostile,
        started=samples.hostile,
        missing=(samples.hostile,),
        versions={samples.hostile: samples.hostile},
        routes={samples.hostile: samples.hostile},
    )
    records = [
        samples.hostile_record(),
        samples.hostile_record(outcome=Outcome.OK, judgement=Judgement.AS_EXPECTED, route="onnx"),
    ]
    written = write_html(records, info)
    page = Page(written)
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert page.handlers == []
    assert "<script>alert('x')</script>" in page.text
    for raw in ("\x1b", "\u202e", "\ud800"):
        assert raw not in written
    written.encode("utf-8")


def test_page_refers_to_nothing_outside_itself(samples):
    written = write_html(samples.one_of_each(), samples.info(len(Outcome)))
    assert "http://" not in written
    assert "https://" not in written
    assert "src=" not in written
    assert "@import" not in written
    assert not re.search(r"url\s*\(", written)
    assert all(address.startswith(("#", "data:,")) for address in Page(written).addresses)


def test_only_the_pages_own_script_may_run(samples):
    written = write_html([samples.record()], samples.info(1))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', written)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", unescape(policy[1]))


@pytest.mark.parametrize(
    "changes",
    [{"planned": 3}, {"planned": 1, "missing": ("layers/dense [pb, OpenCV 5.0.0]",)}, {"planned": 0}],
    ids=["fewer reported", "named missing", "more reported"],
)
def test_planned_that_is_not_reported_is_loud(samples, changes: dict):
    page = Page(write_html([samples.record()], samples.info(**changes))).text
    assert "This report is not complete" in page
    assert "Planned and reported cells differ" in page
    assert f"{changes['planned']} cells were planned, 1 have a record" in page
    assert all(name in page for name in changes.get("missing", ()))


def test_complete_run_raises_no_alarm(samples):
    written = write_html([samples.record()], samples.info(1))
    assert "not complete" not in written
    assert "1 planned = 1 reported" in Page(written).text


def test_interrupted_run_is_named(samples):
    page = Page(write_html([samples.record()], samples.info(1, interrupted=True))).text
    assert "The run was interrupted" in page


def test_very_long_text_is_bounded_and_keeps_its_end(samples):
    noise = "x" * 5_000_000 + " THE REASON"
    record = samples.record(noise, outcome=Outcome.EXPORT_FAILED, message=noise, stderr=noise, reproduce="again")
    written = write_html([record], samples.info(1))
    assert len(written) < 200_000
    assert "THE REASON" in written
    assert "characters left out" in written


def test_failing_cells_that_need_attention_come_first(samples):
    records = [
        samples.record("a/known", outcome=Outcome.CRASH, judgement=Judgement.AS_EXPECTED),
        samples.record("b/fixed", outcome=Outcome.OK, judgement=Judgement.FIXED),
        samples.record("c/new", outcome=Outcome.UNSUPPORTED_OP, judgement=Judgement.NEW_FAILURE),
    ]
    page = write_html(records, samples.info(3))
    assert re.findall(r'<section class="model" id="m-([abc])-', page) == ["c", "b", "a"]
    rows = page[page.index('id="attention"') :]
    assert rows.index(">c/new<") < rows.index(">b/fixed<") < rows.index(">a/known<")
    assert "2 of 3 cells need attention" in page


def test_report_without_a_single_record_is_a_page(samples):
    page = Page(write_html([], samples.info(0, routes={}, versions={})))
    assert "No cell was reported" in page.text


def test_legend_explains_every_word(samples):
    page = Page(write_html([samples.record()], samples.info(1))).text
    legend = page[page.rindex("Legend") :]
    for word in (*words.OUTCOMES.values(), *words.JUDGEMENTS.values()):
        assert word.meaning.replace("`", "") in legend
    for column in words.COLUMNS.values():
        assert column.replace("`", "") in legend
    assert "what pb-naive is" in legend


def test_run_info_survives_the_records_codec(samples):
    from harness.encoding import from_json, to_json

    info = samples.info(7, missing=("a",))
    assert from_json(to_json(info), RunInfo) == info


def unpacked(written: str) -> str:
    """Return the models' pages that are packed into a report."""
    pack = json.loads(written.partition('<script type="application/json" id="pack">')[2].partition("</script>")[0])
    return "".join(zlib.decompress(base64.b64decode(sheet)).decode() for sheet in pack["sheets"])


def test_many_models_are_packed_and_none_is_lost(samples):
    records = [samples.record(f"a/{index}", outcome=Outcome.CRASH, message=f"said of {index};") for index in range(320)]
    written = write_html(records, samples.info(len(records)))
    page, pages = Page(written), unpacked(written)
    Page(pages)
    assert 0 < written.count('<section class="model"') < 20
    assert written.count('<section class="model"') + pages.count('<section class="model"') == 320
    assert all(f"<pre>said of {index};</pre>" in written + pages for index in range(320))
    assert all(f"{record.reproduce}</pre>" in unescape(written + pages) for record in records)
    assert all(f"said of {index};" in page.text for index in range(320))  # without JavaScript too
    anchors = {address[1:] for address in page.addresses if address.startswith("#") and "=" not in address}
    assert anchors <= set(page.ids)


def test_hostile_text_stays_text_when_it_is_packed(samples):
    records = [samples.hostile_record(case=f"{samples.hostile}{index}") for index in range(300)]
    written = write_html(records, samples.info(len(records), title=samples.hostile))
    written.encode("utf-8")
    page, pages = Page(written), Page(unpacked(written))
    assert page.tags.count("script") == 2
    assert "script" not in pages.tags
    assert "img" not in [*page.tags, *pages.tags]
    assert page.handlers + pages.handlers == []
    assert "<script>alert('x')</script>" in pages.text


def test_what_an_ok_rests_on_is_said_beside_it(samples):
    record = replace(samples.record("layers/a", outcome=Outcome.OK), caveat="judged with <other> weights")
    page = write_html([record], samples.info(1))
    assert "judged with &lt;other&gt; weights" in page


def test_every_cell_tells_its_properties_and_the_overview_counts_the_broken(samples):
    failing = samples.record("a/failing", outcome=Outcome.MISMATCH, properties=samples.properties())
    passing = samples.record("a/passing", properties=samples.properties(message=samples.hostile))
    text = write_html([failing, passing, samples.record("a/whole")], samples.info(3))
    page = Page(text)
    assert '<li class="held"><b>✓ reload</b> <span>held</span>' in text
    assert '<li class="broken"><b>✗ nan</b> <span>not held</span>' in text
    assert "✗ nan not held<script>alert" in page.text
    assert "2 cells with one that does not hold: nan 2" in page.text
    assert page.handlers == []
    assert "NaN in an input comes out where TensorFlow has it" in page.text


# -- the self-test ----------------------------------------------------------------------------------------------------


def detection(text: str, **changes: object) -> Detection:
    kind = KindCount(kind=text, meaning=text, planted=9, detected=6, equivalent=2, missed=1, refused=3)
    survivor = Survivor(case=text, route=text, kind=text, change=text, equivalent=False, reason=text)
    plain = Detection(
        opencv=text,
        zoo=text,
        cases=5,
        left_out={},
        kinds=(kind,),
        survivors=(survivor,),
        thresholds=(Threshold(excess=1e-3, planted=5, detected=4),),
        clean_cells=500,
        false_alarms=(),
        versions={"opencv-dnn-harness": "0.1.0"},
        finished="2026-11-24T20:00:00+00:00",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_the_page_says_what_the_instrument_detects(samples):
    page = Page(write_html([samples.record()], samples.info(1, detection=detection("bias-dropped"))))
    assert "detection" in page.ids
    assert "bias-droppedbias-dropped7621" in page.text  # cells of a row stand side by side
    for part in (
        "6 of 7 (86 %) are detected; the bar is 99.5 %",
        "Of 500 clean cells 0 raised",
        "1e-03 in 4 of 5 cases.",
    ):
        assert part in page.text


def test_a_run_without_a_self_test_says_nothing_of_it(samples):
    page = Page(write_html([samples.record()], samples.info(1)))
    assert "detection" not in page.ids
    assert "#detection" not in page.addresses


def test_what_a_self_test_names_is_text_and_nothing_else(samples):
    plain = Page(write_html([samples.record()], samples.info(1, detection=detection("bias-dropped"))))
    page = Page(write_html([samples.record()], samples.info(1, detection=detection(samples.hostile))))
    assert page.tags == plain.tags
    assert page.handlers == []
