"""`check` on networks with several layers that do not work: all of them are named, and what fails only in company."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.cells import subjects
from harness.encoding import from_json
from harness.errors import ExitCode
from harness.records import Outcome, Record, Stage
from harness.usecases.checking import Check

pytestmark = pytest.mark.xdist_group("layers")  # what its fixtures make is made once

NETS = """
import keras
import tensorflow as tf
from keras import layers

class Determinants(layers.Layer):
    def call(self, x):
        return tf.linalg.det(tf.reshape(x, (1, -1, 3, 3)))

class Bessel(layers.Layer):
    def call(self, x):
        return tf.math.bessel_i0(x)

class Erfinv(layers.Layer):
    def call(self, x):
        return tf.math.erfinv(0.9 * tf.tanh(x))

def three():
    x = image = keras.Input((7, 9, 3), name="image")
    for name in ("a", "b", "c"):
        x = layers.Conv2D(3, 3, padding="same", name=f"conv_{name}")(x)
    x = Erfinv(name="inverse")(x)
    x = layers.Dense(18, name="dense")(layers.GlobalAveragePooling2D()(x))
    x = Bessel(name="bessel")(x)
    return keras.Model(image, [Determinants(name="volumes")(x), layers.Dense(2, name="scores")(x)])

def nested():
    own = [keras.Input((4, 5, 3)), layers.Conv2D(3, 1, name="conv"), Bessel(name="bessel")]
    inner = keras.Sequential(own, name="inner")
    x = image = keras.Input((4, 5, 3), name="image")
    x = layers.Conv2D(3, 3, padding="same", name="conv")(x)
    return keras.Model(image, inner(x))

class Block(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.first, self.second = layers.Dense(3, name="dense"), Bessel(name="bessel")

    def call(self, x):
        return 2.0 * self.second(self.first(x))

def within():
    x = image = keras.Input((4, 5, 3), name="image")
    return keras.Model(image, Block(name="block")(x))

def grouped():
    'By its own ONNX, OpenCV 5.0 gives other numbers for it.'
    x = image = keras.Input((8, 8, 8), name="image")
    x = layers.GroupNormalization(4, name="groups")(layers.Conv2D(8, 3, name="conv")(x))
    return keras.Model(image, layers.Dense(2, name="last")(layers.ReLU(name="relu")(x)))

def flattened():
    x = image = keras.Input((6, 7), name="image")
    x = layers.Dense(4, name="dense")(layers.Flatten(name="flat")(x))
    return keras.Model(image, layers.Dense(2, name="last")(x))

def masked():
    x = image = keras.Input((6, 7), name="x")
    x = layers.Dense(5, name="dense")(x)
    positive = keras.ops.greater(x, 0.1)
    return keras.Model(image, layers.Dense(2, name="last")(keras.ops.where(positive, x, 0.5 * x)))
"""


@pytest.fixture(scope="module")
def several(checks):
    return checks("several", NETS)


@pytest.fixture(scope="module")
def three(several) -> tuple[Record, ...]:
    return several("several:three", "onnx,pb")


def failing(record: Record) -> dict[str, tuple[str, Outcome, str | None]]:
    return {
        layer.name: (layer.class_, layer.outcome, layer.op)
        for layer in record.layers or ()
        if layer.outcome is not Outcome.OK
    }


def test_every_layer_that_fails_is_named_with_its_class_and_op_by_every_route(three):
    by_onnx, by_pb = three
    assert failing(by_pb) == {
        "inverse": ("Erfinv", Outcome.UNSUPPORTED_OP, "Erfinv"),
        "bessel": ("Bessel", Outcome.UNSUPPORTED_OP, "BesselI0"),
        "volumes": ("Determinants", Outcome.UNSUPPORTED_OP, "MatrixDeterminant"),
    }
    assert failing(by_onnx) == {
        "inverse": ("Erfinv", Outcome.EXPORT_FAILED, "Erfinv"),
        "bessel": ("Bessel", Outcome.EXPORT_FAILED, "BesselI0"),
    }
    assert by_onnx.layer == "inverse"


def test_every_operation_of_a_frozen_graph_is_tried_alone(three):
    table = {row.op: row for row in three[1].op_table}
    unsupported = {op: row.layers for op, row in table.items() if row.outcome is Outcome.UNSUPPORTED_OP}
    assert unsupported == {"Erfinv": ("inverse",), "BesselI0": ("bessel",), "MatrixDeterminant": ("volumes",)}
    assert (table["Conv2D"].outcome, table["Conv2D"].count) == (Outcome.OK, 3)
    assert 'data_format = "NHWC"' in table["Conv2D"].attributes


def test_layers_that_compute_alike_are_run_once_and_named_together(three):
    record = three[0]
    conv = next(layer for layer in record.layers if layer.name == "conv_a")
    assert conv.like == ("conv_b", "conv_c")
    assert json.loads(conv.config)["filters"] == 3
    assert [layer.name for layer in record.layers if layer.class_ == "Conv2D"] == ["conv_a"]


def test_the_network_is_told_by_its_layers_and_what_they_take_from_one_another(three):
    names = [node.layer for node in three[1].graph]
    after = {node.layer: {names[place] for place in node.after} for node in three[1].graph}
    assert after["conv_a"] == set()
    assert after["conv_c"] == {"conv_b"}
    assert after["volumes"] == after["scores"] == {"bessel"}


def test_layers_that_are_compared_tell_their_error_and_what_is_allowed(three):
    by_name = {layer.name: layer for layer in three[1].layers}
    assert 0 < by_name["conv_a"].max_abs <= by_name["conv_a"].allowed
    assert (by_name["bessel"].max_abs, by_name["bessel"].allowed) == (None, None)


def test_the_search_can_stop_at_the_first(several):
    with several.session.using(replace(several.session.settings, route=("pb",))):
        checking = Check(several.session, subjects.from_text("several:three", zoo=()))
        (record,) = checking.layers(checking.run(), first=True).run(lambda _row: None)
    assert list(failing(record)) == ["inverse"]


@pytest.mark.parametrize(("name", "layer"), [("nested", "bessel"), ("within", "block/bessel")])
def test_models_and_layers_within_others_are_opened(several, name, layer):
    (record,) = several(f"several:{name}", "pb")
    assert failing(record) == {layer: ("Bessel", Outcome.UNSUPPORTED_OP, "BesselI0")}
    assert len({layer.name for layer in record.layers}) == len(record.layers)


def test_a_layer_that_fails_only_after_another_is_named_with_that(several):
    """Frozen only, a Dense behind a Flatten of two axes loads alone, and Flatten too."""
    (record,) = several("several:flattened", "pb-naive")
    assert (record.outcome, record.stage) == (Outcome.RUNTIME_ERROR, Stage.FORWARD)
    (found,) = [layer for layer in record.layers if layer.outcome is not Outcome.OK]
    assert (found.name, found.class_, found.outcome) == ("dense", "Dense", Outcome.RUNTIME_ERROR)
    assert found.message.startswith("fine alone, fails after 'flat' (Flatten): Assertion failed")


def test_by_a_route_that_takes_whole_models_the_model_is_shortened(several):
    (record,) = several("several:grouped", "onnx-keras")
    assert (record.outcome, record.layer) == (Outcome.MISMATCH, "groups")
    (found,) = record.layers
    assert (found.class_, found.outcome) == ("GroupNormalization", Outcome.MISMATCH)
    assert "up to the one before it does not" in found.message


def test_on_request_every_layer_is_run_where_the_whole_works(dnn_harness, tmp_path):
    """The mask is a tensor that OpenCV could not be given: its maker and its taker are run together."""
    (tmp_path / "several.py").write_text(NETS)
    done = dnn_harness("check", "several:masked", "--route", "onnx", "--layers", "--ops", "--json", cwd=tmp_path)
    assert done.returncode == ExitCode.OK
    record = from_json(done.stdout, Record)
    assert failing(record) == {}
    assert {"dense", "last"} < {layer.name for layer in record.layers}
    together = [layer.message for layer in record.layers if "run together with" in (layer.message or "")]
    assert len(together) == 2
    assert {row.op for row in record.op_table} >= {"MatMul", "Add", "Cast"}
    assert {row.outcome for row in record.op_table} == {Outcome.OK}


def test_every_operation_that_a_file_has_and_opencv_has_not_is_told_of(dnn_harness, tmp_path):
    """OpenCV's importer stops at the first."""
    weights = numpy_helper.from_array(np.ones((4, 3, 1, 1), np.float32), "w")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv"),
        helper.make_node("Bernoulli", ["a"], ["b"], name="draw"),
        helper.make_node("Relu", ["b"], ["c"], name="relu"),
        helper.make_node("RandomUniformLike", ["c"], ["y"], name="noise"),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 3, 5, 7]), ("y", [1, 4, 5, 7]))
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], initializer=[weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)]), tmp_path / "foreign.onnx")
    done = dnn_harness("check", "foreign.onnx", "--html", "page.html", cwd=tmp_path)
    assert "Operations of the exported graph, each loaded and run alone" in (tmp_path / "page.html").read_text()
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[:3] for row in rows if row[:1] == ["Bernoulli"]] == [["Bernoulli", "1", "unsupported-op"]]
    done = dnn_harness("check", "foreign.onnx", "--json", cwd=tmp_path)
    record = from_json(done.stdout, Record)
    assert {row.op: row.outcome for row in record.op_table} == {
        "Conv": Outcome.OK,
        "Bernoulli": Outcome.UNSUPPORTED_OP,
        "Relu": Outcome.OK,
        "RandomUniformLike": Outcome.UNSUPPORTED_OP,
    }
