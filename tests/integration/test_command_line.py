"""The command line as people use it: their files, their mistakes, and what they can rely on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import cli
from harness.cells import subjects
from harness.cells.lane import Lane
from harness.effects.config import settle
from harness.encoding import from_json
from harness.errors import ExitCode, ModelRejectedError
from harness.records import Outcome, Record
from harness.usecases.session import Session
from tests.integration.conftest import CommandLine, made_once

pytestmark = pytest.mark.xdist_group("command_line")  # what its fixtures make is made once

GOOD = ("pb", "onnx", "tflite")
FIELDS = {
    "schema": int,
    "case": str,
    "route": str,
    "target": dict,
    "outcome": str,
    "stage": str | None,
    "op": str | None,
    "layer": str | None,
    "message": str | None,
    "signal": str | None,
    "parity": dict | None,
    "layout": dict | None,
    "latency": dict | None,
    "layers": list | None,
    "advice": list,
    "artifact": str | None,
    "seconds": dict,
    "properties": list,
}
"""What schema 1 promises to other tools."""


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One sentence on stderr, nothing on stdout, exit code 4."""
    assert done.returncode == ExitCode.USAGE
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert [part for part in words if part not in line] == []


# -- files that the host refuses by their bytes ------------------------------------------------------------------------

NOT_WHAT_THEY_SEEM = [
    ("missing.keras", "does not exist; give a .keras"),
    ("seed.zip", "ending '.zip'", "a zip archive, as .keras files are"),
    ("no_saved_model", "without saved_model.pb", "give the folder"),
    ("frozen_graph.pb", "is a TFLite flatbuffer, not a GraphDef", "rename it to frozen_graph.tflite"),
    ("seed_saved_model/saved_model.pb", "its weights lie beside it in variables/", "give the folder"),
    ("unfrozen.pb", "is an unfrozen graph", "ReadVariableOp", "convert_variables_to_constants_v2"),
    ("graph.pbtxt", "is a text protobuf", "as_text=False"),
    ("text_named.pb", "is a text protobuf", "as_text=False"),
    ("onnx_named.pb", "is an ONNX model, not a GraphDef", "rename it to onnx_named.onnx"),
    ("pb_named.onnx", "is a frozen GraphDef, not an ONNX model", "rename it to pb_named.pb"),
    ("keras_named.h5", "is a zip archive, as .keras files are, not an HDF5 file", "rename it to keras_named.keras"),
    ("text.pb", "is broken, truncated or not a model", "export or copy it again"),
    *((f"empty.{form}", "is empty (0 bytes)", "again") for form in ("keras", "h5", "pb", "onnx", "tflite")),
    *((f"noise.{form}", "not a model", "again") for form in ("keras", "h5", "pb", "onnx", "tflite")),
    *((f"truncated.{form}", "truncated", "again") for form in ("pb", "onnx")),
    *((f"corrupted.{form}", "broken", "again") for form in ("pb", "onnx")),
]


@pytest.mark.parametrize(("name", "words"), [(name, words) for name, *words in NOT_WHAT_THEY_SEEM])
def test_a_file_that_is_not_what_it_seems_is_named(name, words, models_folder, warm_store, capsys):
    path = models_folder / name
    code = cli.main(["check", str(path), "--store", str(warm_store)])
    shown = capsys.readouterr()
    refused(subprocess.CompletedProcess([], code, shown.out, shown.err), str(path), *words)


# -- models that only TensorFlow can tell are wrong --------------------------------------------------------------------

NOT_EXPORTABLE = [
    ("truncated.keras", (), "is no complete .keras archive", "again"),
    ("truncated.h5", (), "is no complete HDF5 file", "again"),
    ("truncated.tflite", (), "cannot be opened", "export it again"),
    ("corrupted.keras", (), "Keras cannot load it: Bad CRC-32", "save it again"),
    ("corrupted.h5", (), "Keras cannot load it", "save it again"),
    ("corrupted.tflite", (), "cannot be opened", "export it again"),
    ("no_config.keras", (), "no complete .keras archive", "config.json"),
    ("lambda.keras", (), "Lambda", "runs code stored in the file", "--trust-lambda"),
    ("without_inputs", (), "has no inputs", "Input layer"),
    ("without_inputs.pb", (), "has no inputs", "Input layer"),
    ("without_inputs.onnx", (), "has no inputs", "Input layer"),
    ("string_inputs", (), "input 'text' is of dtype string", "pass numbers"),
    ("string_inputs.onnx", (), "input 'text' is of dtype string", "pass numbers"),
    ("unknown_rank", (), "'anything' is of unknown rank", "known input shape"),
    ("unknown_rank.pb", (), "'anything' is of unknown rank", "known input shape"),
    ("unknown_rank.onnx", (), "'shape'", "export it again"),
    ("nan.keras", (), "'broken_head/kernel' hold NaN or infinity", "checkpoint"),
    ("inf.keras", (), "'broken_head/kernel' hold NaN or infinity", "checkpoint"),
    ("nan.onnx", (), "'w' hold NaN or infinity", "checkpoint"),
    ("seed.keras", ((1, 28, 28, 3),), "(1, 28, 28, 3) does not fit", "(?, 28, 28, 1)", "--input-shape"),
    ("seed.keras", ((1, 28, 28),), "(1, 28, 28) does not fit", "--input-shape"),
    ("seed.keras", ((1, 28, 28, 1), (1, 4)), "2 input shapes", "has 1 input"),
    ("seed_net:no_model", (), "builtins.int", "no keras.Model"),
    ("seed_net:broken", (), "RuntimeError: the weights are on the other machine", "without arguments"),
    ("seed_net:absent", (), "AttributeError", "'absent'", "importable"),
    ("nowhere.nets:build", (), "No module named 'nowhere'", "importable"),
]


@pytest.fixture(scope="module")
def lane(models_folder, warm_store) -> Iterator[Lane]:
    """One exporter for all of these: starting TensorFlow for each would take minutes."""
    before = Path.cwd()
    os.chdir(models_folder)  # where modules of the user's own are found
    try:
        with Session(settle({"store": warm_store}, start=models_folder)) as session, session.offline_lane() as lane:
            yield lane
    finally:
        os.chdir(before)


@pytest.mark.parametrize(
    ("name", "shapes", "words"), [(name, shapes, words) for name, shapes, *words in NOT_EXPORTABLE]
)
def test_a_model_that_cannot_be_exported_is_named(name, shapes, words, lane, models_folder):
    model = name if ":" in name else str(models_folder / name)
    subject = subjects.from_text(model, zoo=(), input_shapes=shapes)
    with pytest.raises(ModelRejectedError) as caught:
        lane.library.info(subject)
    message = str(caught.value)
    assert caught.value.exit_code == ExitCode.USAGE
    assert [part for part in words if part not in message] == []
    assert "\n" not in message


def test_stored_code_runs_only_where_it_is_trusted(dnn_harness, models_folder):
    path = models_folder / "lambda.keras"
    refused(dnn_harness("check", path, "--route", "pb"), "--trust-lambda")
    trusted = dnn_harness("check", path, "--route", "pb", "--trust-lambda", "--json")
    assert trusted.returncode == ExitCode.OK
    assert from_json(trusted.stdout, Record).reproduce.endswith("--trust-lambda")


# -- commands that cannot be followed ----------------------------------------------------------------------------------

CASE = "layers/conv2d/valid-relu"
MISTAKES = [
    (["check"], "MODEL"),
    (["check", CASE, "--fast"], "--fast"),
    (["chekc", CASE], "chekc"),
    (["check", "layers/conv2d/valid-rely"], "'layers/conv2d/valid-rely' is no file", f"did you mean {CASE}"),
    (["check", "my-nets.unet:build"], "'my-nets.unet:build'", "my_nets.unet:build"),
    (["check", CASE, "--input-shape", "1,x"], "--input-shape '1,x' is no shape", "1,224,224,3"),
    (["check", CASE, "--input-shape", "1,-4"], "--input-shape '1,-4' is no shape", "1,224,224,3"),
    (["check", CASE, "--route", "caffe"], "no route 'caffe'", "choose from"),
    (["check", CASE, "--opencv", "newest"], "'newest' is no OpenCV", "4.14.0.94"),
    (["check", CASE, "--opencv", "path:/nowhere/python"], "/nowhere/python is no executable", "name the interpreter"),
    (["check", CASE, "--engine", "FAST"], "'FAST' is none of", "CLASSIC"),
    (["check", CASE, "--jobs", "0"], "--jobs: '0' must be above 0"),
    (["check", CASE, "--input", "marble:seed=1"], "marble"),
    (["run", "--zoo", "layers/conv9d/*"], "layers/conv9d/*", "zoo list"),
    (["run", "--dnn-zoo", "their_zoo"], "their_zoo"),
    (["zoo", "show", "layers/none"], "layers/none"),
    (["report", "nowhere"], "nowhere is no run directory", "--out"),
    (["expect", "update", "nowhere"], "expect"),
]


@pytest.mark.parametrize(("arguments", "words"), [(arguments, words) for arguments, *words in MISTAKES])
def test_a_command_that_cannot_be_followed_says_why(arguments, words, warm_store, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DNN_HARNESS_STORE", str(warm_store))
    code = cli.main(arguments)
    shown = capsys.readouterr()
    refused(subprocess.CompletedProcess([], code, shown.out, shown.err), *words)


def test_a_release_that_does_not_exist_is_refused(dnn_harness):
    refused(
        dnn_harness("check", CASE, "--opencv", "99.0.0.1"), "OpenCV 99.0.0.1 cannot be installed", "pip index versions"
    )
    refused(dnn_harness("check", CASE, "--opencv", "99.0"), "no release is meant by '99.0'", "pip index versions")


def test_an_interpreter_without_cv2_is_refused(dnn_harness, tmp_path):
    from uv import find_uv_bin

    venv = tmp_path / "bare"
    subprocess.run([find_uv_bin(), "venv", "--quiet", "--offline", "--python", sys.executable, venv], check=True)
    python = venv / "bin" / "python"
    refused(dnn_harness("check", CASE, "--opencv", f"path:{python}"), str(python), "No module named 'cv2'")


@pytest.mark.parametrize(
    ("project", "claims", "words"),
    [
        ("x = [", "", ["pyproject.toml cannot be read"]),
        ("[tool.dnn-harness]\nroutes = ['pb']", "", ["unknown key 'routes'", "route"]),
        ("[tool.dnn-harness]\njobs = 'many'", "", ["pyproject.toml [tool.dnn-harness] jobs: 'many' is no number"]),
        ("[tool.dnn-harness]\nexpectations = ['absent']", "", ["absent does not exist", "expectations"]),
        ("[tool.dnn-harness]\nexpectations = ['known.toml']", "x = [", ["known.toml is no TOML"]),
        ("[tool.dnn-harness]\nexpectations = ['known.toml']", "[[claim]]", ["known.toml: unknown key 'claim'"]),
    ],
)
def test_settings_that_cannot_be_read_are_named(project, claims, words, tmp_path, monkeypatch, capsys):
    (tmp_path / "pyproject.toml").write_text(project)
    (tmp_path / "known.toml").write_text(claims)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DNN_HARNESS_EXPECTATIONS", raising=False)
    code = cli.main(["check", CASE])
    shown = capsys.readouterr()
    refused(subprocess.CompletedProcess([], code, shown.out, shown.err), str(tmp_path), *words)


def test_without_a_command_the_commands_are_shown(dnn_harness):
    done = dnn_harness()
    assert done.returncode == ExitCode.USAGE
    assert done.stdout == ""
    assert done.stderr.startswith("Usage: dnn-harness ")
    assert "check" in done.stderr


# -- models that work --------------------------------------------------------------------------------------------------

UNASKED = ("seed.keras", "seed_saved_model")
"""Forms tried by every route that `check` takes by itself; the others by the good ones only, to save time."""
FORMS = (*UNASKED, "seed.h5", "seed_net:build")


@pytest.fixture(scope="module")
def answers(dnn_harness: CommandLine, models_folder: Path, shared_folder: Path) -> dict[str, tuple[int, str]]:
    """Exit code and output of `check --json` for the tutorial's network in each of its forms."""
    kept = shared_folder / "answers.json"
    with made_once(kept) as by_us:
        if by_us:

            def ask(form: str) -> tuple[int, str]:
                routes = [] if form in UNASKED else ["--route", ",".join(GOOD)]
                done = dnn_harness("check", form, "--json", *routes, cwd=models_folder)
                return done.returncode, done.stdout

            with ThreadPoolExecutor(2) as pool:
                kept.write_text(json.dumps(dict(zip(FORMS, pool.map(ask, FORMS), strict=True))))
    return {form: (code, text) for form, (code, text) in json.loads(kept.read_text()).items()}


def records_of(answer: tuple[int, str]) -> list[Record]:
    return [from_json(line, Record) for line in answer[1].splitlines()]


@pytest.mark.parametrize("form", FORMS)
def test_the_tutorials_network_works_in_every_form(form, answers):
    assert answers[form][0] == ExitCode.OK
    records = records_of(answers[form])
    outcomes = {record.route: record.outcome for record in records}
    assert {route: outcomes[route] for route in GOOD} == dict.fromkeys(GOOD, Outcome.OK)
    assert all(record.case == form and record.parity.margin < 1 for record in records if record.route in GOOD)


@pytest.mark.parametrize("form", UNASKED)
def test_a_crash_of_opencv_is_one_more_record(form, answers):
    (naive,) = [record for record in records_of(answers[form]) if record.route == "pb-naive"]
    assert naive.outcome in {Outcome.CRASH, Outcome.IMPORT_ERROR}
    if naive.target.opencv.startswith("5.0.0") and form != "seed_saved_model":  # its control inputs are in the way
        assert (naive.outcome, naive.stage, naive.signal) == (Outcome.CRASH, "load", "SIGSEGV")
    assert "route pb loads and matches" in " ".join(naive.advice)


@pytest.mark.parametrize("form", FORMS)
def test_json_lines_keep_the_promise_of_schema_1(form, answers):
    for line in answers[form][1].splitlines():
        record = json.loads(line)
        assert record["schema"] == 1
        wrong = {name: record.get(name) for name, kind in FIELDS.items() if not isinstance(record[name], kind)}
        assert wrong == {}
        assert {"opencv", "engine_asked", "engine_used", "backend", "numpy", "python"} <= record["target"].keys()


@pytest.mark.usefixtures("answers")
def test_what_works_is_handed_over_with_a_program_that_runs_it(dnn_harness, models_folder, tmp_path):
    done = dnn_harness("check", "seed.keras", "--export", tmp_path / "out", cwd=models_folder)
    assert done.returncode == ExitCode.OK, done.stderr
    assert (tmp_path / "out" / "model.onnx").exists()
    program = [sys.executable, "-I", tmp_path / "out" / "run.py"]
    ran = subprocess.run(program, cwd="/", capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "(1, 10)" in ran.stdout


@pytest.mark.usefixtures("answers")  # so the store is warm
def test_nothing_is_handed_over_where_nothing_works(dnn_harness, models_folder, tmp_path):
    done = dnn_harness("check", "seed.keras", "--route", "pb-naive", "--export", tmp_path / "out", cwd=models_folder)
    assert done.returncode == ExitCode.USAGE
    assert "no route works for this model" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("answers")
def test_a_person_reads_inputs_outcomes_and_advice(dnn_harness, models_folder):
    done = dnn_harness("check", "seed.keras", "--route", "pb,pb-naive", cwd=models_folder)
    assert done.returncode == ExitCode.FAILED  # both were asked for, and one crashes
    assert "[1, 28, 28, 1]" in done.stdout
    assert "Conv2D, Dense, Flatten" in done.stdout
    assert "tried: route pb loads and matches" in done.stdout


def test_a_model_whose_size_is_open_is_tried_at_another_beside_its_other_properties(dnn_harness):
    case = "blocks/any_size/any_size_classifier"
    done = dnn_harness("check", case, "--route", "onnx", "--json")
    assert done.returncode == ExitCode.OK, done.stderr
    record = from_json(done.stdout, Record)
    found = {item.name: item for item in record.properties}
    assert found["other-size"].held
    assert found["other-size"].message == "agrees at 1,8,40,3"
    assert {"first-again", "same-bits-twice", "reload", "threads"} <= {name for name in found if found[name].held}
    fixed = dnn_harness("check", case, "--route", "onnx", "--json", "--input-shape", "1,12,20,3")
    assert "other-size" not in {item.name for item in from_json(fixed.stdout, Record).properties}
