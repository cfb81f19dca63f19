"""Models beyond protobuf's 2 GiB, by a lowered limit or by shapes alone: nothing here allocates much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.errors import ExportFailedError
from harness.export import graphs, sizes
from harness.export.keras_models import from_model
from harness.manifests import TensorSpec
from harness.routes import all_routes

tf: Any = pytest.importorskip("tensorflow")
keras: Any = pytest.importorskip("keras")
cases: Any = pytest.importorskip("tests.unit.export.graph_cases")

NBYTES = 4 * (20 * 30 + 30)
"""What the weights of the model below take."""


@pytest.fixture
def network():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((20,), name="x"), keras.layers.Dense(30, bias_initializer="normal")])
    yield from_model(model, [TensorSpec(name="x", shape=(1, 20))], ())
    keras.backend.clear_session()


@pytest.fixture
def limit(monkeypatch):
    return lambda nbytes: monkeypatch.setattr(sizes, "LARGEST_NBYTES", nbytes)


def big_constant(shape: tuple[int, ...]) -> Any:
    """A GraphDef that says it holds so many numbers, and holds none."""
    graph = tf.compat.v1.GraphDef()
    tensor = graph.node.add(name="c", op="Const").attr["value"].tensor
    tensor.dtype = tf.float32.as_datatype_enum
    tensor.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
    return graph


def test_weights_are_counted_in_every_form(network):
    assert sizes.function_nbytes(network.function) == NBYTES
    assert sizes.graph_nbytes(network.folded) == NBYTES
    weights = np.zeros((20, 30), np.float32)
    initial = [numpy_helper.from_array(weights, "w"), helper.make_tensor("i", TensorProto.INT64, [3], [1, 2, 3])]
    assert sizes.onnx_nbytes(helper.make_model(helper.make_graph([], "g", [], [], initial))) == 2400 + 24


def test_what_has_no_size_of_its_own_counts_nothing():
    graph = cases.frozen(lambda x: tf.strings.as_string(x) + tf.constant("a word"))
    assert sizes.graph_nbytes(graph) == 0


def test_constants_of_functions_are_counted_too():
    function = tf.function(lambda x: x + np.ones(7, np.float32), autograph=False, input_signature=[tf.TensorSpec([7])])
    outer = tf.function(lambda x: function(x) + 1.0, autograph=False)
    graph = outer.get_concrete_function(tf.TensorSpec([7])).graph.as_graph_def()
    assert sizes.graph_nbytes(graph) == 4 + 28


@pytest.mark.parametrize("route", ["pb", "onnx", "tflite", "pb-naive"])
def test_a_route_refuses_what_its_file_cannot_hold_before_anything_is_written(network, limit, tmp_path, route):
    limit(NBYTES - 1)
    with pytest.raises(ExportFailedError, match=r"is 0\.0 GB; protobuf files end at 2 GiB.*; split the model"):
        all_routes()[route].export(network, tmp_path, None)
    assert not list(tmp_path.iterdir())


def test_what_just_fits_is_exported(network, limit, tmp_path):
    limit(NBYTES + 64)  # tf2onnx adds shapes of a few numbers
    for route in ("pb", "onnx", "tflite"):
        (tmp_path / route).mkdir()
        all_routes()[route].export(network, tmp_path / route, None)


def test_a_graph_that_grows_while_it_is_folded_is_refused(limit):
    graph = cases.frozen(lambda x: x + tf.tile(tf.constant([[1.0]]), [tf.constant(4), 5]))
    limit(sizes.graph_nbytes(graph) + 40)
    with pytest.raises(ExportFailedError, match="protobuf files end at 2 GiB"):
        graphs.fold(graph, ["x"], ["output_0"])


def test_the_limit_is_protobuf_s_own_and_the_size_is_said():
    assert not sizes.is_too_large(2**31 - 2**21)
    nbytes = sizes.graph_nbytes(big_constant((24_000, 24_000)))
    with pytest.raises(
        ExportFailedError, match=r"^the model with its weights is 2\.3 GB; protobuf files end at 2 GiB, "
    ):
        sizes.refuse_too_large(nbytes)


def test_a_model_that_no_file_can_hold_can_still_be_described(network, limit):
    whole = network.info()
    limit(NBYTES - 1)
    network.drop_graphs()
    described = network.info()
    assert (described.parameters, described.weights_digest) == (whole.parameters, whole.weights_digest)
    assert described.structure_digest
