from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.effects import onnx_cases
from harness.encoding import from_json
from harness.operators import OperatorCase

FLOAT = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
MADE = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])


def model(*nodes: onnx.NodeProto, inputs=(FLOAT,), initializers=(), domains=()) -> onnx.ModelProto:
    graph = helper.make_graph(list(nodes), "g", list(inputs), [MADE], list(initializers))
    opsets = [helper.make_opsetid("", 13), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets)


ABS = helper.make_node("Abs", ["x"], ["y"])


def described(made: onnx.ModelProto, *data_sets, name: str = "node/test_abs") -> OperatorCase:
    return onnx_cases._describe(name, made, data_sets, {})


def test_a_case_says_what_it_is_made_of():
    double = np.zeros(2)
    case = described(model(ABS, domains=["ai.onnx.ml"]), ([double], [double]))
    assert (case.operator, case.opset, case.opsets) == ("Abs", 13, {"ai.onnx": 13, "ai.onnx.ml": 1})
    assert (case.input_dtypes, case.rtol, case.atol) == ((("float64",),), 1e-3, 1e-7)
    assert case.not_expressible == ""


def test_a_graph_of_several_ops_is_of_no_operator():
    case = described(model(ABS, helper.make_node("Scaler", ["x"], ["z"], domain="ai.onnx.ml")))
    assert (case.operator, case.ops) == ("", {"Abs": 1, "ai.onnx.ml.Scaler": 1})


def test_inputs_that_have_an_initializer_are_not_fed():
    weight = helper.make_tensor_value_info("w", TensorProto.FLOAT, [2])
    constant = numpy_helper.from_array(np.ones(2, np.float32), "w")
    case = described(model(helper.make_node("Add", ["x", "w"], ["y"]), inputs=[FLOAT, weight], initializers=[constant]))
    assert case.inputs == ("x",)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([np.zeros(2)], "input 'x' is a sequence"),
        (None, "input 'x' is a optional without a value"),
        (np.array(["a"], object), "input 'x' is a tensor of texts"),
        (
            numpy_helper.to_array(helper.make_tensor("x", TensorProto.BFLOAT16, [1], [1.0])),
            "input 'x' is bfloat16, which numpy itself has no dtype for",
        ),
    ],
)
def test_what_cannot_be_handed_to_opencv_says_why(given, reason):
    assert described(model(ABS), ([given], [np.zeros(2)])).not_expressible == reason


def test_an_output_may_be_compared_though_numpy_has_not_its_dtype():
    brief = numpy_helper.to_array(helper.make_tensor("y", TensorProto.BFLOAT16, [1], [1.5]))
    case = described(model(ABS), ([np.zeros(1)], [brief]))
    assert (case.not_expressible, case.output_dtypes) == ("", (("bfloat16",),))
    assert onnx_cases._numpys_own(brief).tolist() == [1.5]
    assert described(model(ABS), ([np.zeros(1)], [[brief]])).not_expressible == "output 'y' is a sequence"


def test_a_written_out_case_has_the_operator_of_its_origin():
    cases = [described(model(ABS)), described(model(ABS, ABS), name="node/test_abs_expanded_ver12")]
    named = list(onnx_cases._named_by_origin(cases))
    assert [(case.operator, case.expanded) for case in named] == [("Abs", False), ("Abs", True)]


def test_every_data_set_on_disk_is_read_in_order(tmp_path):
    for index in (0, 1, 10):
        folder = tmp_path / f"test_data_set_{index}"
        folder.mkdir()
        for what in ("input", "output"):
            tensor = numpy_helper.from_array(np.full(2, index, np.int64))
            (folder / f"{what}_0.pb").write_bytes(tensor.SerializeToString())
    found = onnx_cases._read_sets(model(ABS), tmp_path)
    assert [(given[0][0], made[0].dtype.name) for given, made in found] == [(0, "int64"), (1, "int64"), (10, "int64")]


def test_a_network_without_data_gets_the_ramp_of_onnxs_runner_and_its_stored_outputs(tmp_path):
    path = tmp_path / "light_net.onnx"
    stored = numpy_helper.from_array(np.array([3, 4], np.float32)).SerializeToString()
    (tmp_path / "light_net_output_0.pb").write_bytes(stored)
    ((given,), (made,)) = onnx_cases._light_set(model(ABS), path)
    assert (given.tolist(), given.dtype, made.tolist()) == ([0, 0.5], np.float32, [3, 4])


def test_what_is_written_can_be_read(tmp_path, monkeypatch):
    x = np.array([-1, 2], np.float16)
    monkeypatch.setattr(onnx_cases, "_everything", lambda: [("node", "test_abs", model(ABS), [([x], [abs(x)])], {})])
    assert onnx_cases.write(tmp_path) == 1
    (line,) = Path(tmp_path / "cases.jsonl").read_text().splitlines()
    assert from_json(line, OperatorCase).outputs == ("y",)
    with (tmp_path / "node/test_abs/data_0.npys").open("rb") as stream:
        assert [np.load(stream).tolist() for _ in range(2)] == [[-1, 2], [1, 2]]


def test_a_case_may_state_its_own_tolerance(tmp_path):
    (tmp_path / "data.json").write_text(json.dumps({"rtol": 0.002, "url": "somewhere"}))
    assert onnx_cases._tolerance(tmp_path) == {"rtol": 0.002}
    assert onnx_cases._tolerance(tmp_path / "absent") == {}
