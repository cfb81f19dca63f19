"""`dnn-harness report` as people call it: into files, pipes and terminals."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.effects.store import RunDirectory, RunPlan
from harness.encoding import to_json
from harness.errors import ExitCode
from harness.records import CellId, Outcome, Record, Target

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run of two cells, one of which has a record."""
    records = [Record(case=f"nets/{n}", route="pb", target=Target(opencv="5.0"), outcome=Outcome.OK) for n in "ab"]
    directory = RunDirectory(tmp_path / "run")
    cells = tuple(map(CellId.of, records))
    directory.begin(RunPlan(cells=cells, fingerprint="f", started="2026-11-22T10:00:00+00:00", command="c", host="h"))
    shard = directory.shard("w")
    shard.append(records[0])
    shard.close()
    return directory.folder


def report(folder: Path, *arguments: str, **streams: int) -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-m", "harness.cli", "report", str(folder), *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    return subprocess.run(argv, env=environment, timeout=300, check=False, **pipes)


@pytest.mark.parametrize(
    ("form", "begin"),
    [("text", b"Keras"), ("csv", b'"case"'), ("badge", b"<svg"), ("annotations", b"::error "), ("parquet", b"PAR1")],
)
def test_what_is_printed_is_the_face_and_nothing_else(run_folder, form, begin, tmp_path):
    if form == "parquet":
        pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    printed = report(run_folder, "--format", form)
    assert printed.returncode == ExitCode.OK
    assert printed.stdout.startswith(begin)
    assert printed.stderr.decode().splitlines() == ["1 of 2 planned cells have no record"]
    file = tmp_path / "new" / "face"
    written = report(run_folder, "--format", form, "--out", str(file))
    assert written.stdout == b""
    assert file.read_bytes() == printed.stdout


def test_what_is_no_text_is_not_printed_on_a_terminal(run_folder):
    pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    ours, theirs = os.openpty()
    try:
        done = report(run_folder, "--format", "parquet", stdout=theirs)
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.decode().strip() == (
        "error: parquet is not text, and standard output is a terminal; name a file: --out report.parquet"
    )


def test_what_check_printed_is_reported_too(tmp_path):
    works = Record(case="models/net.keras", route="onnx", target=Target(opencv="5.0"), outcome=Outcome.OK)
    fails = replace(works, route="pb", outcome=Outcome.CRASH, signal="SIGSEGV")
    file = tmp_path / "check.json"
    file.write_text(f"{to_json(works)}\n{to_json(fails)}\n")
    (line,) = report(file, "--format", "annotations").stdout.decode().splitlines()
    assert line.startswith("::error file=models/net.keras,title=crash%3A models/net.keras [pb%2C OpenCV 5.0/default]::")
    assert "2 of 2 planned cells reported" in report(file, "--format", "text").stdout.decode()
    page = report(file).stdout.decode()
    assert "<title>models/net.keras in OpenCV" in page


def test_records_come_through_pipes(tmp_path):
    works = Record(case="models/net.keras", route="onnx", target=Target(opencv="5.0"), outcome=Outcome.OK)
    file = tmp_path / "check.json"
    file.write_text(f"{to_json(works)}\n")
    with file.open("rb") as stream:
        piped = report(Path("-"), "--format", "text", stdin=stream.fileno())
    assert piped.returncode == ExitCode.OK, piped.stderr.decode()
    assert piped.stdout == report(file, "--format", "text").stdout
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cp", "--no-preserve=all", str(file), str(fifo)]) as feeder:
        named = report(fifo, "--format", "text")
        feeder.kill()
    assert named.returncode == ExitCode.OK, named.stderr.decode()
    assert named.stdout == piped.stdout
    nothing = report(Path("-"), stdin=subprocess.DEVNULL)
    assert nothing.returncode == ExitCode.USAGE
    assert "- holds no records" in nothing.stderr.decode()


def test_a_number_that_json_does_not_have_is_a_damaged_record(run_folder, tmp_path):
    works = Record(
        case="nets/a", route="pb", target=Target(opencv="5.0"), outcome=Outcome.OK, seconds={"load": 0.25, "x": 7.5}
    )
    line = to_json(works)
    file = tmp_path / "check.json"
    for word in ("NaN", "-Infinity", "1e999"):
        damaged = line.replace("0.25", word)
        file.write_text(damaged)
        (run_folder / "records" / "w.jsonl").write_text(f"{damaged}\n")
        for place, reason in ((file, "check.json:1 is no record"), (run_folder, "is not a record of this release")):
            done = report(place)
            assert done.returncode == ExitCode.USAGE
            assert f"{reason}: {word} is no finite number" in done.stderr.decode()


def test_files_and_folders_are_not_mixed_and_what_is_no_record_is_named(run_folder, tmp_path):
    file = tmp_path / "check.json"
    file.write_text("{}\n")
    for arguments, words in (((str(run_folder),), "report them apart"), ((), "check.json:1 is no record")):
        done = report(file, *arguments)
        assert done.returncode == ExitCode.USAGE
        assert done.stdout == b""
        assert words in done.stderr.decode()


def test_an_empty_name_is_a_mistake_and_no_defect(run_folder):
    done = report(run_folder, "--format", "markdown", "--out", "")  # what "$UNSET" becomes
    assert done.returncode == ExitCode.USAGE
    assert "'' names no file; is a variable empty" in done.stderr.decode()


def test_a_baseline_is_told_on_the_page_and_on_no_other_face(run_folder, tmp_path):
    before = tmp_path / "before.json"
    crashed = Record(case="nets/a", route="pb", target=Target(opencv="5.0"), outcome=Outcome.CRASH)
    before.write_text(f"{to_json(crashed)}\n")
    page = report(run_folder, "--baseline", str(before)).stdout.decode()
    assert "crash -&gt; ok" in page
    assert f"Held against <code>{before}</code>" in page
    refused = report(run_folder, "--baseline", str(before), "--format", "csv")
    assert refused.returncode == ExitCode.USAGE
    assert "--baseline goes with --format html, not csv" in refused.stderr.decode()
