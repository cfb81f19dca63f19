"""What every face has in common: the same numbers, any text, no records, half a run."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from xml.etree import ElementTree as ET

import pytest

from harness.faces.delivery import FORMS
from harness.records import Judgement, Outcome
from harness.report.markdown import write_markdown


@pytest.fixture
def several(samples):
    """Two releases and two routes, a repeated cell, mended and new failures, outcomes of every kind."""
    records = [
        *samples.one_of_each(),
        *(samples.record(f"layers/family/{outcome}", route="pb", outcome=outcome) for outcome in Outcome),
        *(samples.record(f"layers/more/{number}", opencv="4.14.0.94") for number in range(7)),
        samples.record("layers/more/0", opencv="4.14.0.94", outcome=Outcome.CRASH, judgement=Judgement.NEW_FAILURE),
        samples.record("layers/more/1", judgement=Judgement.FIXED),
    ]
    return records, samples.info(40)


def outcomes_in_csv(text: str) -> Counter[str]:
    return Counter(line["outcome"] for line in csv.DictReader(io.StringIO(text)))


def test_every_face_counts_alike(several):
    records, info = several
    counted = outcomes_in_csv(FORMS["csv"](records, info))
    assert counted == dict.fromkeys(Outcome, 2) | {"ok": 9, "crash": 3}
    total = sum(counted.values())
    markdown, text, page = (FORMS[name](records, info) for name in ("markdown", "text", "html"))
    for outcome, count in counted.items():
        assert re.search(rf"^\| \S+ {outcome} \| {count} \|", markdown, re.MULTILINE)
        assert re.search(rf"^ +{count} \S+ {outcome} \(", text, re.MULTILINE)
        assert re.search(rf'<li class="o-{outcome}"><b>{count}</b> <a [^>]*>\S+ {outcome}</a>', page)
    assert f"**2 of {total} cells need attention.**" in markdown
    assert "2 need attention:" in text
    assert FORMS["annotations"](records, info).count("::error title=new-failure") == 1
    assert FORMS["annotations"](records, info).count("::warning title=fixed") == 1


def test_the_badge_says_what_the_rates_say(several):
    records, info = several
    markdown = write_markdown(records, info)
    _, rates = [line for line in markdown.splitlines() if line.startswith("| layers |")]  # the first is the head
    best = rates.split(" | ")[-1].removesuffix(" |").replace("/", " of ")
    title = ET.fromstring(FORMS["badge"](records, info)).findtext("{http://www.w3.org/2000/svg}title")
    assert title == f"OpenCV 5.0: {best} layers, not complete"
    served = FORMS["text"](records, info).partition("Cases that one route at least serves")[2].splitlines()
    assert served[1].split() == ["OpenCV", "layers", "all"]
    assert re.split(" {2,}", served[3])[1:] == [best, best]


def test_parquet_counts_as_the_comma_separated_values_do(several):
    records, info = several
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `parquet`")
    table = parquet.read_table(io.BytesIO(FORMS["parquet"](records, info)))
    assert Counter(table.column("outcome").to_pylist()) == outcomes_in_csv(FORMS["csv"](records, info))


@pytest.mark.parametrize("name", [name for name in FORMS if name not in {"json", "parquet", "margins"}])
def test_every_face_takes_hostile_text_no_records_and_half_a_run(samples, name):
    write = FORMS[name]
    hostile = write([samples.hostile_record()], samples.info(1, title=samples.hostile, command=samples.hostile))
    assert not {"\x1b", "\u202e", "\ud800"}.intersection(hostile)
    hostile.encode()
    write([], samples.info(0))
    half = write([samples.record()], samples.info(2, missing=("layers/gone [pb]",), interrupted=True))
    told = {"csv": "layers/conv2d/same", "badge": "not complete", "text": "interrupted", "html": "interrupted"}
    assert told.get(name, "2 cells were planned") in half


def test_json_is_the_record_itself(samples):
    assert "\\u001b" in FORMS["json"]([samples.hostile_record()], samples.info(1))
