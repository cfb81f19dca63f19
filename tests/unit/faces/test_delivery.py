from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from onnx import helper

from harness.detection import Detection, KindCount
from harness.effects.store import RunDirectory, RunPlan
from harness.encoding import to_json
from harness.errors import HarnessError, UsageError
from harness.faces.delivery import by_file, describe, face, header_of, merged, write, write_reports
from harness.pure.expectations import Expectation, parse, render
from harness.records import CellId, Outcome, Record, Target

TWICE = [
    helper.make_node("Add", ["a", "b"], ["total:sum"], name="add"),
    helper.make_node("Mul", ["a", "b"], ['it\'s "odd"'], name="mul"),
]


def record(case="a", outcome=Outcome.OK, *, route="onnx", opencv="5.0.0.93", **more) -> Record:
    return Record(case=case, route=route, target=Target(opencv=opencv), outcome=outcome, **more)


@pytest.fixture
def run(tmp_path):
    """Write a run: what was planned, and the records that came of it."""

    def write_run(name: str, planned: list[Record], reported: list[Record] | None = None, **plan) -> RunDirectory:
        directory = RunDirectory(tmp_path / name)
        words = {
            "fingerprint": "f",
            "started": "2026-11-22T10:00:00+00:00",
            "command": f"run {name}",
            "host": "h",
        } | plan
        directory.begin(RunPlan(cells=tuple(CellId.of(entry) for entry in planned), **words))
        shard = directory.shard("w")
        for entry in planned if reported is None else reported:
            shard.append(entry)
        shard.close()
        directory.finish(2.5, complete=True)
        return directory

    return write_run


def report(directories: list[RunDirectory], form: str) -> str | bytes:
    records = merged(directories)
    return face(records, describe(directories, records), form)


# -- files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_written_whole_in_a_folder_that_is_made(tmp_path):
    path = tmp_path / "new" / "deep" / "page.html"
    write(path, "größer\n")
    write(path, "✓\n")
    assert path.read_text(encoding="utf-8") == "✓\n"
    assert [found.name for found in path.parent.iterdir()] == ["page.html"]


def test_a_file_that_cannot_be_written_is_named_and_the_old_one_stays(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match=r"cannot write .*page.html: .*; name another place"):
        write(tmp_path / "file" / "page.html", "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(HarnessError, match="cannot write"):
        write(tmp_path / "folder", "x")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["file", "folder"]


def test_what_a_link_leads_to_is_written_and_the_link_stays(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "page.html")
    write(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "page.html").read_text() == "x"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor() as pool:
        heard = pool.submit((tmp_path / "pipe").read_text)
        write(tmp_path / "pipe", "x")
        assert heard.result(30) == "x"
    assert (tmp_path / "pipe").is_fifo()


# -- reports ----------------------------------------------------------------------------------------------------------


def test_a_run_gets_a_page_and_a_summary(run):
    directory = run("one", [record("case/of-this-run"), record("b", Outcome.CRASH, message="died")])
    page = write_reports(directory, directory.records())
    assert page == directory.folder / "index.html"
    assert "case/of-this-run" in page.read_text()
    assert "died" in (directory.folder / "summary.md").read_text()


def test_a_cell_without_a_record_is_named(run):
    directory = run("one", [record("a"), record("b")], [record("a")])
    info = describe([directory], directory.records())
    assert info.missing == ("b [onnx, OpenCV 5.0.0.93/default]",)
    assert (info.planned, info.interrupted) == (2, True)


def test_several_runs_are_described_together(run):
    first = run("one", [record("a")], started="2026-11-22T10:00:00+00:00")
    second = run("two", [record("a"), record("b")], started="2026-11-21T10:00:00+00:00")
    records = merged([first, second])
    info = describe([first, second], records)
    assert [entry.case for entry in records] == ["a", "b"]
    assert (info.started, info.seconds, info.planned) == ("2026-11-21T10:00:00+00:00", 5.0, 2)
    assert (info.command, info.host) == ("run one && run two", "h")
    assert not info.interrupted


@pytest.mark.parametrize("other", [record(outcome=Outcome.CRASH), record(op="Erf")])
def test_two_runs_that_disagree_are_not_merged(run, other):
    first, second = run("one", [record()]), run("two", [other])
    with pytest.raises(UsageError, match=r"a \[onnx, .*\] is ok in one run and .* in .*two; report them apart"):
        merged([first, second])


def test_runs_on_other_releases_do_not_disagree(run):
    runs = [run("one", [record()]), run("two", [record(outcome=Outcome.CRASH, opencv="4.14.0.94")])]
    assert len(merged(runs)) == 2


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("html", "<!doctype html>"),
        ("markdown", "#"),
        ("json", '{"case":'),
        ("csv", '"case",'),
    ],
)
def test_a_report_comes_in_several_forms(run, form, begins):
    text = report([run("one", [record("case/of-this-run")])], form)
    assert text.lower().startswith(begins)
    assert "case/of-this-run" in text


def test_margins_are_of_cells_that_were_compared(run):
    assert report([run("one", [record("case/without-numbers")])], "margins").count("\n") == 2


def test_json_is_one_record_a_line(run):
    lines = report([run("one", [record("a"), record("b")])], "json").splitlines()
    assert [json.loads(line)["case"] for line in lines] == ["a", "b"]


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(UsageError, match="is no run directory"):
        report([RunDirectory(tmp_path)], "json")


def test_a_form_whose_package_is_not_there_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"parquet needs pyarrow: pip install 'opencv-dnn-harness\[parquet\]'"):
        report([run("one", [record()])], "parquet")


# -- expectation files ------------------------------------------------------------------------------------------------


def claim(case: str) -> Expectation:
    return Expectation(case=case, route="onnx", opencv=">=4", outcome=Outcome.CRASH, reason="known")


def test_a_record_belongs_where_it_is_spoken_of_else_to_its_familys_file_else_to_the_first():
    first, layers, blocks = Path("a.toml"), Path("layers.toml"), Path("blocks.toml")
    read = [
        replace(claim("layers/moved"), where="a.toml:3"),
        replace(claim("layers/dense"), where="layers.toml, entry 2"),
    ]
    new = [claim(case) for case in ("layers/new", "blocks/new", "nets/new")]
    found = by_file([first, layers, blocks], [*read, *new])
    assert {path.name: [entry.case for entry in entries] for path, entries in found.items()} == {
        "a.toml": ["layers/moved", "nets/new"],
        "layers.toml": ["layers/dense", "layers/new"],
        "blocks.toml": ["blocks/new"],
    }


@pytest.mark.parametrize("header", ["", "known failures", "known failures\n\n  of layers\n# deep"])
def test_the_header_of_a_file_survives_any_number_of_updates(tmp_path, header):
    path = tmp_path / "known.toml"
    text = render([claim("a")], header)
    for entries in ([claim("a")], [], [claim("b"), claim("c")]):
        path.write_text(text)
        text = render(entries, header_of(path))
        assert parse(text, "f") == tuple(entries)
    path.write_text(text)
    assert header_of(path) == header


# -- the self-test ----------------------------------------------------------------------------------------------------


def test_a_self_test_in_the_folder_of_a_run_is_in_its_report(run):
    directory = run("one", [record()])
    assert 'id="detection"' not in report([directory], "html")
    kind = KindCount(kind="bias-dropped", meaning="m", planted=1, detected=1, equivalent=0, missed=0, refused=0)
    found = Detection(
        opencv="5.0.0.93",
        zoo="core",
        cases=1,
        left_out={},
        kinds=(kind,),
        survivors=(),
        thresholds=(),
        clean_cells=0,
        false_alarms=(),
    )
    write(directory.folder / "selftest.json", to_json(found))
    assert describe([directory], [record()]).detection == found
    assert 'id="detection"' in report([directory], "html")


def test_a_self_test_that_cannot_be_read_is_named(run):
    directory = run("one", [record()])
    write(directory.folder / "selftest.json", '{"opencv": 5}')
    with pytest.raises(UsageError, match=r"selftest\.json cannot be read as a self-test's figures"):
        report([directory], "html")
