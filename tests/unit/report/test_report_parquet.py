from __future__ import annotations

import io
import sys

import pytest

from harness.encoding import from_json
from harness.records import Outcome
from harness.report import RunInfo
from harness.report.csv_table import write_csv
from harness.report.parquet import write_parquet
from harness.report.rows import FIELDS

parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `parquet`")


def read(data: bytes):
    return parquet.read_table(io.BytesIO(data))


def test_columns_have_their_type_and_their_meaning(samples):
    table = read(write_parquet([samples.record(parity=samples.parity(), opset=13)], samples.info(1)))
    types = {str: "string", int: "int64", float: "double", bool: "bool"}
    assert [(field.name, str(field.type)) for field in table.schema] == [(one.name, types[one.kind]) for one in FIELDS]
    assert table.schema.field("margin").metadata[b"description"].startswith(b"max_abs / allowed")
    (line,) = table.to_pylist()
    assert (line["margin"], line["opset"], line["attention"], line["signal"]) == (0.25, 13, False, None)


@pytest.mark.parametrize("records", [0, 1])
def test_hostile_names_and_no_records_make_a_file(samples, records):
    table = read(write_parquet([samples.hostile_record()] * records, samples.info(records)))
    assert table.num_rows == records
    assert all("<script>" in name for name in table.column("case").to_pylist())


def test_the_schema_tells_of_the_run(samples):
    info = samples.info(4, missing=("a [pb]",), interrupted=True)
    told = read(write_parquet([samples.record()], info)).schema.metadata[b"opencv-dnn-harness"]
    assert from_json(told, RunInfo) == samples.info(4, interrupted=True)


def test_it_holds_what_the_comma_separated_values_hold(samples):
    records, info = samples.one_of_each(), samples.info(len(Outcome))
    lines = write_csv(records, info).splitlines()[1:]
    outcomes = read(write_parquet(records, info)).column("outcome").to_pylist()
    assert all(f'"{outcome}"' in line for outcome, line in zip(outcomes, lines, strict=True))


def test_without_pyarrow_the_package_is_named(samples, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        write_parquet([samples.record()], samples.info(1))
    assert caught.value.name == "pyarrow"
