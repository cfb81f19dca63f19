"""Several OpenCV in one go, as people ask for them: ranges apart, what cannot be had, shards, upgrades, the atlas."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from harness import cli
from harness.effects.store import RunDirectory, RunPlan
from harness.encoding import from_json, to_json
from harness.errors import ExitCode
from harness.pure.atlas import Atlas
from harness.pure.differing import Change, Comparison
from harness.records import CellId, Outcome, Record, Target

CASES = "layers/dense/[ip]*"
ELSEWHERE = f"sh -c {shlex.quote(f'{shlex.quote(sys.executable)} $0 $1 $2; exit $?')} -"
"""A Python that reads its program from a pipe, behind a shell that outlives it, as behind ssh."""
NOWHERE = "sh -c 'echo no route to host >&2; exit 255' -"


@pytest.fixture
def run(tmp_path, monkeypatch, warm_store, capsys):
    """The command line in a folder of its own; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DNN_HARNESS_STORE", str(warm_store))

    def command(*arguments: object) -> tuple[int, str, str]:
        code = cli.main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def records_in(*folders: Path) -> dict[CellId, Record]:
    return {CellId.of(record): record for folder in folders for record in RunDirectory(folder).records()}


# -- elsewhere ---------------------------------------------------------------------------------------------------------


def test_a_command_that_reads_its_program_runs_what_we_run_here(run):
    routes = ("--route", "onnx,pb-naive", "--no-advice", "--json")
    here = [from_json(line, Record) for line in run("check", "architectures/seed_cnn", *routes)[1].splitlines()]
    code, out, _ = run("check", "architectures/seed_cnn", *routes, "--opencv", ELSEWHERE)
    there = [from_json(line, Record) for line in out.splitlines()]
    assert code == ExitCode.FAILED
    for one, other in zip(here, there, strict=True):
        assert (one.outcome, one.stage, one.op, one.layer) == (other.outcome, other.stage, other.op, other.layer)
        assert one.signal == other.signal
        assert (one.parity and one.parity.max_abs) == (other.parity and other.parity.max_abs)
    assert there[0].outcome is Outcome.OK


def test_what_cannot_be_had_is_a_row_and_the_rest_runs(run, tmp_path):
    arguments = ("run", "--zoo", "layers/dense/plain", "--route", "onnx", "--out", "out")
    code, _, err = run(*arguments, "--opencv", f"installed,{NOWHERE}")
    assert code == ExitCode.FAILED
    assert "no route to host" in err
    (record,) = records_in(tmp_path / "out").values()
    assert record.outcome is Outcome.OK
    page = (tmp_path / "out" / "index.html").read_text()
    assert "Not every OpenCV that was asked for could be run on" in page
    assert "no route to host" in page
    assert "no route to host" in (tmp_path / "out" / "summary.md").read_text()


# -- shards ------------------------------------------------------------------------------------------------------------


def test_shards_are_the_whole_and_are_read_as_one(run, tmp_path):
    arguments = ("run", "--zoo", CASES, "--route", "onnx", "--draws", "0")
    for number in (1, 2):
        assert run(*arguments, "--shard", f"{number}/2", "--out", f"parts/{number}")[0] == ExitCode.OK
    assert run(*arguments, "--out", "whole")[0] == ExitCode.OK
    whole, parts = records_in(tmp_path / "whole"), [records_in(tmp_path / "parts" / name) for name in "12"]
    assert not parts[0].keys() & parts[1].keys()
    assert {**parts[0], **parts[1]}.keys() == whole.keys()
    assert all(parts), "a share of these cases is empty: the test proves nothing"
    told = run("report", "parts", "--format", "json")[1]
    assert {CellId.of(from_json(line, Record)) for line in told.splitlines()} == whole.keys()
    code, out, _ = run("diff", "parts", "whole", "--json")
    found = from_json(out, Comparison)
    assert (code, found.cells, found.alike) == (ExitCode.OK, len(whole), len(whole))


def test_shards_that_disagree_are_refused(run, tmp_path):
    assert run("run", "--zoo", "layers/dense/plain", "--route", "onnx", "--out", "parts/1")[0] == ExitCode.OK
    (tmp_path / "parts" / "2").mkdir()
    for path in (tmp_path / "parts" / "1").rglob("*.json*"):
        copy = tmp_path / "parts" / "2" / path.relative_to(tmp_path / "parts" / "1")
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(path.read_text().replace('"outcome":"ok"', '"outcome":"crash"'))
    code, _, err = run("report", "parts")
    assert code == ExitCode.USAGE
    assert "is ok in one run and crash in" in err


# -- upgrades ----------------------------------------------------------------------------------------------------------


def ends_with(path: Path, op: str) -> Path:
    settings = {"kernel_shape": [3]} if op == "LpPool" else {}
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node(op, ["a"], ["y"], **settings)]
    shape = [2, 3, 3]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape if op == "Sigmoid" else [2, 3, 1])
    model = helper.make_model(
        helper.make_graph(nodes, "g", [x], [y]), opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    )
    onnx.save(model, path)
    return path


def test_an_upgrade_tells_what_breaks_and_times_what_works_in_turns(run, tmp_path):
    """ONNX Runtime in the place of the older release: it has a pooling that OpenCV does not know."""
    pytest.importorskip("onnxruntime")
    models = [ends_with(tmp_path / f"{op}.onnx".lower(), op) for op in ("LpPool", "Sigmoid")]
    faces = ("--json", "--html", "up.html", "--markdown", "up.md")
    code, out, _ = run("upgrade", "onnxruntime", "installed", *models, *faces)
    found = from_json(out, Comparison)
    assert code == ExitCode.FAILED
    broken = [one for one in found.differences if one.change is Change.BROKEN]
    assert [(one.cell.case, one.op) for one in broken] == [(str(models[0]), "LpPool")]
    assert [(pace.case, pace.rounds > 5) for pace in found.paces] == [(str(models[1]), True)]
    page, summary = (tmp_path / "up.html").read_text(), (tmp_path / "up.md").read_text()
    for text in (page, summary):
        assert "newly-broken" in text
        assert "Timed in turns" in text
    assert run("upgrade", "onnxruntime", "installed", models[1], "--no-timing")[0] == ExitCode.OK


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("upgrade", "installed", "installed", "layers/dense/plain"), "an upgrade needs two OpenCV"),
        (("upgrade", "installed", "4.x", "layers/dense/plain"), "is no OpenCV to run on"),
        (("diff", "nowhere", "nowhere"), "is no run directory"),
        (("diff", "nowhere"), "name the releases to compare with --from and --to, or a second run"),
        (("run", "--shard", "3/2"), "is no part of a whole"),
        (("atlas", "Dense", "--atlas", "nowhere"), "there is no atlas at nowhere/atlas.json"),
        (("atlas",), "name a layer or a case"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_sentence(run, arguments, words):
    code, out, err = run(*arguments)
    assert (code, out) == (ExitCode.USAGE, "")
    assert words in err
    assert "Traceback" not in err


def test_releases_of_one_run_are_compared_by_name(run, tmp_path):
    assert run("run", "--zoo", "layers/dense/plain", "--route", "onnx", "--out", "both")[0] == ExitCode.OK
    ((cell, record),) = records_in(tmp_path / "both").items()
    writer = RunDirectory(tmp_path / "both").shard("other")
    broken = Record(case=cell.case, route=cell.route, target=Target(opencv="99.0.0.1"), outcome=Outcome.CRASH)
    writer.append(broken)
    writer.close()
    code, out, _ = run("diff", "both", "--from", record.target.opencv, "--to", "99.0.0.1", "--json")
    (difference,) = from_json(out, Comparison).differences
    assert (code, difference.change, difference.what) == (ExitCode.FAILED, Change.BROKEN, "ok -> crash")
    assert run("diff", "both", "--from", record.target.opencv, "--to", "99.0.0.1", "--fail-on", "")[0] == ExitCode.OK
    code, _, err = run("diff", "both", "both")
    assert code == ExitCode.USAGE
    assert "name the one to compare with --from or --to" in err
    code, _, err = run("diff", "both", "--from", "4.0.0.1", "--to", "99.0.0.1", "--fail-on", "worse")
    assert code == ExitCode.USAGE
    minor = ".".join(record.target.opencv.split(".")[:2])
    assert run("diff", "both", "--from", minor, "--to", "99.0", "--json")[1] == out


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("4.1", "no record of OpenCV 4.1; there are those of 4.14.0.94, 4.14.1.1, 5.0.0.93"),
        ("4.14", "4.14 is 2 releases here; there are those of 4.14.0.94, 4.14.1.1, 5.0.0.93"),
    ],
)
def test_a_word_that_does_not_mean_one_recorded_release_is_refused(word, sentence, run, tmp_path):
    records = [
        Record(case="nets/a", route="pb", target=Target(opencv=release), outcome=Outcome.OK)
        for release in ("4.14.0.94", "4.14.1.1", "5.0.0.93")
    ]
    directory = RunDirectory(tmp_path / "run")
    cells = tuple(map(CellId.of, records))
    directory.begin(RunPlan(cells=cells, fingerprint="f", started="2026-11-22T10:00:00+00:00", command="c", host="h"))
    shard = directory.shard("w")
    for record in records:
        shard.append(record)
    shard.close()
    assert run("diff", "run", "--from", "4.14.0", "--to", "5.0")[0] == ExitCode.OK
    code, _, err = run("diff", "run", "--from", word, "--to", "5.0")
    assert code == ExitCode.USAGE
    assert sentence in err
    assert "Traceback" not in err


# -- the atlas ---------------------------------------------------------------------------------------------------------


def test_an_atlas_is_made_from_runs_and_asked_without_any(run, tmp_path):
    arguments = (
        "run",
        "--zoo",
        "layers/dense/tanh",
        "--route",
        "pb,onnx",
        "--out",
        "out",
        "--engine",
        "default,CLASSIC",
    )
    assert run(*arguments)[0] == ExitCode.OK
    assert run("atlas", "--from", "out", "--atlas", "atlas")[0] == ExitCode.OK
    code, out, _ = run("atlas", "Dense", "--atlas", "atlas")
    assert code == ExitCode.OK
    assert "layers/dense/tanh" in out
    assert "CLASSIC" in out
    known = from_json((tmp_path / "atlas" / "atlas.json").read_text(), Atlas)
    assert known.cells == len(records_in(tmp_path / "out"))
    case = json.loads(run("atlas", "tanh", "--atlas", "atlas", "--json")[1])
    assert case["layers"] == ["Dense"]
    code, _, err = run("atlas", "Densse", "--atlas", "atlas")
    assert code == ExitCode.USAGE
    assert "did you mean Dense" in err
    code, _, err = run("atlas", "Dense", "--atlas", "atlas", "--opencv", "3.4")
    assert code == ExitCode.USAGE
    assert run("run", "--zoo", "layers/dense/plain", "--route", "onnx", "--out", "more")[0] == ExitCode.OK
    assert run("atlas", "--from", "more", "--add", "--atlas", "atlas")[0] == ExitCode.OK
    more = from_json((tmp_path / "atlas" / "atlas.json").read_text(), Atlas)
    assert {case.case for case in more.cases} == {"layers/dense/plain", "layers/dense/tanh"}
    assert set(more.cases) > set(known.cases)
    assert more.cells == known.cells + 1
    (tmp_path / "atlas" / "atlas.json").write_text(to_json(replace(known, versions={"keras": "2.15.0"})))
    code, _, err = run("atlas", "--from", "more", "--add", "--atlas", "atlas")
    assert code == ExitCode.USAGE
    assert "keras is 2.15.0 in one and" in err
    for wrong, words in {
        ("atlas", "--add"): "--add takes the runs to add",
        ("atlas", "Dense", "--from", "more"): "takes no 'Dense'",
        ("atlas", "Dense", "--atlas", "atlas/atlas.json"): "name its folder with --atlas",
    }.items():
        code, _, err = run(*wrong)
        assert code == ExitCode.USAGE
        assert words in err
    (tmp_path / "atlas" / "atlas.json").write_text(to_json(replace(known, releases=())))
    assert "do not fit together" in run("atlas", "Dense", "--atlas", "atlas")[2]


def test_what_a_run_lacks_is_told_and_nothing_is_made_of_nothing(run, tmp_path):
    both = ("run", "--zoo", "layers/dense/[pt]*", "--route", "onnx", "--out", "out")
    assert run(*both)[0] == ExitCode.OK
    (shard,) = (tmp_path / "out" / "records").iterdir()
    lines = shard.read_text().splitlines(keepends=True)
    shard.write_text(lines[0])
    code, _, err = run("atlas", "--from", "out", "--atlas", "atlas")
    assert code == ExitCode.OK
    assert f"{len(lines) - 1} planned cell" in err
    shard.write_text("")
    code, _, err = run("atlas", "--from", "out", "--add", "--atlas", "atlas")
    assert code == ExitCode.USAGE
    assert "out: there is no record to make an atlas of" in err


def test_a_damaged_atlas_is_named(run, tmp_path):
    assert run("run", "--zoo", "layers/dense/plain", "--route", "onnx", "--out", "out")[0] == ExitCode.OK
    assert run("atlas", "--from", "out", "--atlas", "atlas")[0] == ExitCode.OK
    known = from_json((tmp_path / "atlas" / "atlas.json").read_text(), Atlas)
    (tmp_path / "atlas" / "atlas.json").write_text(to_json(known)[:-9])
    assert "cannot be read as an atlas" in run("atlas", "Dense", "--atlas", "atlas")[2]
