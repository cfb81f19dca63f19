from __future__ import annotations

import csv
import io

import pytest

from harness.records import Outcome
from harness.report.csv_table import write_csv
from harness.report.rows import FIELDS


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), strict=True))


def test_one_line_a_cell_whatever_a_layer_is_called(samples):
    records = [samples.hostile_record(), samples.record(message="a\nb\r\nc\td", stderr="\n")]
    text = write_csv(records, samples.info(2))
    assert len(text.splitlines()) == 3
    found = read(text)
    assert {tuple(line) for line in found} == {tuple(field.name for field in FIELDS)}
    assert "a\\nb\\nc\\td" in {line["message"] for line in found}
    assert any(line["layer"] == samples.hostile.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e").replace(
        "\ud800", "\\ud800") for line in found)  # fmt: skip
    text.encode()


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", " =", "\t=", "\n@", "\uff1d"])
def test_no_text_of_a_model_is_a_formula(samples, begin):
    formula = f'{begin}HYPERLINK("https://x","y")'
    (line,) = read(write_csv([samples.record(layer=formula, outcome=Outcome.CRASH)], samples.info(1)))
    assert line["layer"].startswith(("'", "\\t=", "\\n@"))
    assert line["layer"].endswith('HYPERLINK("https://x","y")')


def test_a_name_with_a_formula_inside_is_left_as_it_is(samples):
    (line,) = read(write_csv([samples.record(layer="a=b", outcome=Outcome.CRASH)], samples.info(1)))
    assert line["layer"] == "a=b"


def test_numbers_are_bare_and_what_is_not_known_is_empty(samples):
    record = samples.record(parity=samples.parity(0.25), latency=samples.latency(1.5), opset=13)
    text = write_csv([record], samples.info(1))
    (line,) = read(text)
    assert (float(line["margin"]), float(line["latency_ms"]), int(line["opset"])) == (0.25, 1.5, 13)
    assert (line["attention"], line["signal"]) == ("false", "")
    assert '"0.25"' not in text


def test_a_run_without_records_has_the_names_of_its_columns(samples):
    assert write_csv([], samples.info(3)) == ",".join(f'"{field.name}"' for field in FIELDS) + "\n"
