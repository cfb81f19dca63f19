from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.detection import Detection, FalseAlarm, KindCount, Survivor, Threshold
from harness.errors import ExitCode
from harness.evidence import Parity, Property
from harness.faces import terminal
from harness.manifests import Layout, Manifest, ModelInfo, Port, TensorSpec
from harness.records import Judgement, Outcome, Record, Stage, Target
from harness.timings import Latency, Timing

HOSTILE = "[bold]x[/] a:on:b :smile: \x1b[31m\x07 C:\\new [/nonsense] \ud800 back\\"
"""Markup, emoji codes, terminal commands, a lone surrogate: all of it may stand in the name of a layer."""

RECORD = Record(
    case="layers/gelu",
    route="onnx",
    target=Target(opencv="5.0.0.93"),
    outcome=Outcome.UNSUPPORTED_OP,
    stage=Stage.LOAD,
    op="Erf",
    layer="gelu",
    message="no layer\n  for op Erf",
    judgement=Judgement.NEW_FAILURE,
    reproduce="dnn-harness check layers/gelu --route onnx",
)
SPEC = TensorSpec(name="x", shape=(None, 24, 40, 3))
INFO = ModelInfo(
    inputs=(SPEC,),
    outputs=(SPEC,),
    parameters=12345,
    layers=("Conv2D", "Dense"),
    weights_digest="",
    structure_digest="",
    kind="sequential",
)


def fine(route: str = "onnx", opencv: str = "5.0.0.93", **more) -> Record:
    parity = Parity(max_abs=1e-7, allowed=2e-6, margin=0.05, inputs=3, why="", worst_input="ramp")
    latency = Latency(load_ms=1.0, forward_ms=Timing(min=1, median=1.25, p95=2, n=3))
    plain = Record(case="a", route=route, target=Target(opencv=opencv), outcome=Outcome.OK, **more)
    return replace(plain, parity=parity, latency=latency, judgement=Judgement.AS_EXPECTED)


def test_a_sentence_says_where_what_and_how_to_see_it_again():
    assert terminal.sentence(RECORD) == (
        "new-failure layers/gelu [onnx, OpenCV 5.0.0.93/default] load: outcome=unsupported-op op Erf layer gelu, "
        "but should be ok\n    no layer for op Erf\n    dnn-harness check layers/gelu --route onnx"
    )


def test_a_fixed_cell_says_which_edit_to_make():
    fixed = replace(RECORD, outcome=Outcome.OK, judgement=Judgement.FIXED, expected="unsupported-op: no Erf")
    assert "but should be unsupported-op: no Erf - delete its expectation" in terminal.sentence(fixed)


def test_a_summary_counts_all_and_shows_the_surprises_only(capsys):
    terminal.summary([RECORD, fine(), fine("pb")], planned=4)
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "3 of 4 planned cells reported: 2 ok, 1 unsupported-op"
    assert out.count("new-failure") == 1
    assert "[onnx, OpenCV 5.0.0.93/default]" in out
    assert "[pb" not in out
    assert err == ""


def test_messages_go_to_stderr_and_data_to_stdout(capsys):
    terminal.say("exporting")
    terminal.complain("no such file")
    assert capsys.readouterr() == ("", "exporting\nerror: no such file\n")
    terminal.model("net", INFO)
    assert capsys.readouterr().err == ""


def test_a_defect_names_itself_and_asks_nobody_to_read_the_whole_traceback(capsys):
    def deep(level: int) -> None:
        if level == 0:
            raise RuntimeError("impossible [x]")
        deep(level - 1)

    with pytest.raises(RuntimeError) as raised:
        deep(50)
    assert terminal.defect(raised.value) is ExitCode.INTERNAL
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: this is a defect of dnn-harness, not of your model: RuntimeError: impossible [x]\n")
    assert len(err.splitlines()) < 20


@pytest.mark.parametrize("text", [HOSTILE, "x" * 500, "a\\[b", "[", "]", "[/]", ""])
def test_no_text_is_taken_for_markup_or_folded(capsys, text):
    shown = "".join(c for c in text.encode("utf-8", "backslashreplace").decode() if c.isprintable())
    for show in (
        lambda: terminal.say(text),
        lambda: terminal.complain(text),
        lambda: terminal.summary([replace(RECORD, message=text)], 1),
        lambda: terminal.model(text, replace(INFO, layers=(text,))),
        lambda: terminal.checked(text, INFO, [replace(RECORD, message=text[:300])]),
    ):
        show()
        out, err = capsys.readouterr()
        assert "\x1b" not in out + err
        assert "\x07" not in out + err
        said = " ".join((out + err).split())
        assert " ".join(shown[:300].split()) in said.replace("\ufffd", "")


def test_a_model_is_shown_with_its_tensors(capsys):
    terminal.model("net", INFO)
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "net  sequential, 12,345 parameters"
    assert "  input  x  [?, 24, 40, 3]  float32\n" in out
    assert "  layers Conv2D, Dense\n" in out


def test_limits_of_a_tensor_are_shown():
    tokens = TensorSpec(name="ids", shape=(1, 8), dtype="int32", low=0, high=999)
    assert terminal.tensor_line(tokens) == "ids  [1, 8]  int32 in 0..999"


def manifest(name: str, layout: Layout) -> Manifest:
    port = Port(name=name, tensor=TensorSpec(name="x", shape=(1, 24, 40, 3)), layout=layout)
    return Manifest(route="pb", format="pb", file="m.pb", inputs=(port,), outputs=(port,), weights_digest="")


def test_ports_are_shown_as_opencv_names_and_lays_them_out(capsys):
    terminal.ports([manifest("in [0]", Layout.NCHW), manifest("StatefulPartitionedCall/" * 6, Layout.AS_KERAS)])
    out = capsys.readouterr().out
    assert "in [0]" in out
    assert "[1, 3, 24, 40]" in out
    assert "[1, 24, 40, 3]" in out
    assert "StatefulPartitionedCall/" * 6 in out


def test_the_answer_of_check_shows_each_route_whole(capsys):
    worst = replace(RECORD, route="onnx-tf2onnx-cli", outcome=Outcome.NONDETERMINISTIC)
    worst = replace(worst, target=Target(opencv="4.12.0-alpha2-123-gabcdef"), advice=("route onnx works",))
    terminal.checked("net", INFO, [fine(), worst, worst])
    out = capsys.readouterr().out
    assert "1.0e-07/2.0e-06" in out
    assert "1.25" in out
    assert "4.12.0-alpha2-123-gabcdef" in out
    assert "onnx-tf2onnx-cli" in out
    assert "nondeterministic" in out
    assert "onnx-tf2onnx-cli OpenCV 4.12.0-alpha2-123-gabcdef: op Erf: layer gelu: no layer for op Erf" in out
    assert out.count("tried: route onnx works") == 1
    assert "…" not in out


def test_progress_is_not_on_stdout(capsys):
    with terminal.progress(2) as advance:
        advance(fine())
        advance(replace(RECORD, case=HOSTILE))
    out, err = capsys.readouterr()
    assert out == ""
    assert "2/2" in err


def test_a_row_of_json_is_one_line():
    line = terminal.one_json_line({"id": "a\nb", "shape": [1, None]})
    assert "\n" not in line
    assert json.loads(line) == {"id": "a\nb", "shape": [1, None]}


def test_properties_are_counted_and_broken_ones_told_once_for_all_routes_alike(capsys):
    held = Property(name="reload", held=True, message="bits equal")
    lost = Property(name="nan", held=False, message="TensorFlow gives NaN [here]")
    records = [replace(fine(), route=route, properties=(held, lost)) for route in ("pb", "onnx")]
    terminal.checked("net", INFO, records)
    out = capsys.readouterr().out
    release = records[0].target.opencv
    assert "properties: 2 of 4 hold\n" in out
    assert f"  pb {release}, onnx {release}: nan does not hold: TensorFlow gives NaN [here]\n" in out
    terminal.checked("net", INFO, [fine()])
    assert "properties" not in capsys.readouterr().out


# -- the self-test ----------------------------------------------------------------------------------------------------

KIND = KindCount(
    kind="bias-dropped", meaning="a bias left out", planted=9, detected=6, equivalent=2, missed=1, refused=3
)
SURVIVOR = Survivor(
    case="layers/x", route="onnx", kind="bias-dropped", change=HOSTILE, equivalent=False, reason="because"
)


def test_the_self_test_is_a_table_with_its_survivors_and_alarms(capsys):
    alarm = FalseAlarm(case="layers/y", route="onnx", message="off", reproduce="dnn-harness check layers/y")
    found = Detection(
        opencv="5.0.0.93",
        zoo="core",
        cases=5,
        left_out={"layers/odd": "mismatch"},
        kinds=(KIND,),
        survivors=(SURVIVOR, replace(SURVIVOR, equivalent=True)),
        thresholds=(Threshold(excess=1e-3, planted=5, detected=4),),
        clean_cells=500,
        false_alarms=(alarm,),
    )
    terminal.detected(found)
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    for line in (
        "detected: 6 of 7 applicable (86 %; needed 99.5%)",
        "OpenCV did not load or run 3 faulty models, which proves nothing",
        "MISSED: bias-dropped in layers/x [onnx]: ",
        "equivalent: bias-dropped in layers/x [onnx]: ",
        "one weight tensor x (1 + 1e-03): detected in 4 of 5 cases (80 %)",
        "clean cells: 500, false alarms: 1",
        "dnn-harness check layers/y",
        "not clean, so left out: layers/odd is mismatch",
    ):
        assert line in printed
    assert ["bias-dropped", "9", "2", "7", "6", "1", "a", "bias", "left", "out"] in map(str.split, printed.splitlines())
