"""The ONNX backend tests through real workers: crashes, large results, scalars, and a run that was cut short."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.cli import main
from harness.errors import ExitCode

pytestmark = pytest.mark.xdist_group("operator_tests")  # what its fixtures make is made once

CRASHES = "node/test_celu_expanded"
LARGE = "node/test_maxpool_3d_default"


@dataclass(frozen=True, slots=True)
class Ran:
    store: Path
    out: Path
    printed: str

    def records(self) -> dict[str, dict]:
        lines = (self.out / "operators.jsonl").read_text().splitlines()
        return {record["case"]: record for record in map(json.loads, lines)}


def operators(store: Path, *arguments: object) -> int:
    return main(["operators", "--store", str(store), "--jobs", "2", *map(str, arguments)])


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("operators")


@pytest.fixture
def ran(store, tmp_path, capsys):
    def run(only: str) -> Ran:
        assert operators(store, "--only", only, "--out", tmp_path / "run", "--json") == ExitCode.OK
        return Ran(store=store, out=tmp_path / "run", printed=capsys.readouterr().out)

    return run


def test_a_crash_is_an_answer_and_the_cases_around_it_have_theirs(ran):
    run = ran("node/test_celu*")
    records = run.records()
    assert [json.loads(line) for line in run.printed.splitlines()] == list(records.values())
    assert len(records) == 6
    crash = records[CRASHES]
    assert (crash["strict"], crash["signal"], crash["repeated"]) == ("crash", "SIGSEGV", True)
    assert records["node/test_celu"]["strict"] == "ok"
    assert records["node/test_celu_bfloat16"]["strict"] == "not-expressible"
    assert "✱" in (run.out / "index.html").read_text()
    assert "Celu, written out" in (run.out / "summary.md").read_text()
    assert json.loads((run.out / "table.json").read_text())["reported"] == 6


def test_results_beyond_a_pipes_64_kib_arrive(ran):
    record = ran(LARGE).records()[LARGE]
    assert (record["strict"], record["max_abs"]) == ("ok", 0.0)


def test_inputs_keep_their_dtype(ran):
    records = ran("node/test_add*int8").records()
    assert {name: record["strict"] for name, record in records.items()} == {
        "node/test_add_int8": "ok",
        "node/test_add_uint8": "ok",
    }


def test_a_run_that_was_cut_short_goes_on_where_it_stopped(ran, capsys):
    run = ran("node/test_max_*")
    shard = run.out / "operators.jsonl"
    whole = shard.read_text().splitlines(keepends=True)
    shard.write_text("".join(whole[:3]) + whole[3][:-20])
    assert operators(run.store, "--only", "node/test_max_*", "--out", run.out) == ExitCode.OK
    assert f"resuming: 3 of {len(whole)}" in capsys.readouterr().err
    lines = shard.read_text().splitlines()
    assert [line + "\n" for line in lines[:3]] == whole[:3]
    assert len({json.loads(line)["case"] for line in lines[:3] + lines[4:]}) == len(whole)


def test_a_glob_without_a_case_is_the_users_error(store, capsys):
    assert operators(store, "--only", "nothing") == ExitCode.USAGE
    assert "'nothing'" in capsys.readouterr().err
