"""Networks taken apart into layers and cut at any tensor compute the same as the whole."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from harness.errors import ExportFailedError
from harness.export import keras_models, model_files
from harness.export.cutting import cut
from harness.export.dissecting import heads, take_apart
from harness.export.network import Network
from harness.sources import Cut, Source, SourceKind

RANDOM = np.random.RandomState(4)


def opened(model: Any) -> Network:
    model.set_weights([RANDOM.standard_normal(weights.shape) * 0.5 for weights in model.get_weights()])
    return keras_models.from_model(model, (), ())


def computed(network: Network, *arrays: Any) -> list[Any]:
    return [np.asarray(tensor) for tensor in network.function(*map(tf.constant, arrays))]


def residual() -> Any:
    image = keras.Input((6, 7, 3), batch_size=1, name="image")
    x = layers.Conv2D(4, 3, padding="same", name="first")(image)
    y = layers.BatchNormalization(name="norm")(x)
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="second")(y)
    return keras.Model(image, layers.Activation("softmax", name="head")(layers.Add(name="sum")([x, y])))


def attention() -> Any:
    x = keras.Input((5, 8), batch_size=1, name="x")
    y = layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    return keras.Model(x, layers.LayerNormalization(name="norm")(y))


def recurrent() -> Any:
    x = keras.Input((5, 8), batch_size=1, name="x")
    return keras.Model(
        x, layers.Dense(2, name="dense")(layers.Bidirectional(layers.LSTM(3, name="lstm"), name="both")(x))
    )


def shared() -> Any:
    left, right = (keras.Input((6,), batch_size=1, name=name) for name in ("left", "right"))
    layer = layers.Dense(4, name="shared")
    return keras.Model([left, right], layers.Subtract(name="apart")([layer(left), keras.ops.tanh(layer(right))]))


class Around(layers.Layer):
    """Works before and after a layer that it calls."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.inside = layers.Dense(4, name="inside")

    def call(self, x: Any) -> Any:
        return keras.ops.tanh(self.inside(keras.ops.relu(x) + 1.0))


def around() -> Any:
    x = keras.Input((6,), batch_size=1, name="x")
    return keras.Model(x, Around(name="around")(x))


def nested() -> Any:
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="inside")], name="inner")
    x = keras.Input((4,), batch_size=1, name="x")
    return keras.Model(x, layers.ReLU(name="outside")(inner(x)))


MODELS = [residual, attention, recurrent, shared, around, nested]


@pytest.mark.parametrize("build", MODELS, ids=lambda build: build.__name__)
def test_layers_put_together_again_compute_what_the_network_does(build):
    """Each part alone, on what the parts before it gave: nothing is lost between them, and the order is one of work."""
    network = opened(build())
    anatomy = take_apart(network)
    specs = network.interface.inputs
    arrays = [RANDOM.standard_normal(spec.shape).astype(np.float32) for spec in specs]
    known = dict(zip(anatomy.inputs, arrays, strict=True))
    for part in anatomy.parts:
        assert part.outputs, part.layer
        alone = cut(network, Cut(inputs=part.inputs, outputs=tuple(spec.name for spec in part.outputs)))
        entries = [name for name in part.inputs if name in known]
        assert len(entries) == len(part.inputs), f"{part.layer} comes before what it takes from"
        known.update(zip((s.name for s in part.outputs), computed(alone, *(known[n] for n in entries)), strict=True))
    for place, expected in enumerate(computed(network, *arrays)):
        np.testing.assert_allclose(known[f"output_{place}:0"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("build", MODELS, ids=lambda build: build.__name__)
def test_a_tap_gives_what_the_layer_gives_in_the_network(build):
    network = opened(build())
    anatomy = take_apart(network)
    taps = tuple(tap for part in anatomy.parts for tap in part.taps)
    tapped = cut(network, Cut(outputs=taps))
    arrays = [RANDOM.standard_normal(spec.shape).astype(np.float32) for spec in network.interface.inputs]
    found = dict(zip(taps, computed(tapped, *arrays), strict=True))
    assert [array.shape for array in found.values()] == [spec.shape for spec in tapped.interface.outputs]
    for place, expected in enumerate(computed(network, *arrays)):
        np.testing.assert_allclose(found[f"output_{place}:0"], expected, rtol=1e-5, atol=1e-6)


def test_parts_bear_the_names_of_keras_and_their_configuration():
    parts = {part.layer: part for part in take_apart(opened(residual())).parts}
    assert {layer: part.class_ for layer, part in parts.items()} == {
        "first": "Conv2D",
        "norm": "BatchNormalization",
        "second": "Conv2D",
        "sum": "Add",
        "head": "Activation",
    }
    config = json.loads(parts["second"].config)
    assert (config["activation"], config["kernel_size"]) == ("relu", [3, 3])
    assert not {key for key in config if key.endswith("_initializer") or key in {"name", "trainable"}}


def test_operations_of_keras_ops_and_layers_in_nested_models_are_parts_too():
    assert {part.class_ for part in take_apart(opened(shared())).parts} == {"Dense", "Tanh", "Subtract"}
    assert [part.layer for part in take_apart(opened(nested())).parts] == ["inside", "outside"]


def test_a_layer_that_works_around_another_is_several_parts_and_a_recurrent_one_is_not():
    assert [part.layer for part in take_apart(opened(around())).parts] == ["around", "around/inside", "around"]
    assert [part.layer for part in take_apart(opened(recurrent())).parts] == [
        "both/forward_lstm",
        "both/backward_lstm",
        "both",
        "dense",
    ]


def test_the_last_activation_is_known_with_what_it_is_given():
    network = opened(residual())
    (head,) = heads(network)
    assert (head.output, head.op) == (0, "Softmax")
    image = RANDOM.standard_normal((1, 6, 7, 3)).astype(np.float32)
    (logits,) = computed(cut(network, Cut(outputs=(head.before,))), image)
    np.testing.assert_allclose(tf.nn.softmax(logits), computed(network, image)[0], rtol=1e-5)


def detector() -> Any:
    image = keras.Input((6, 7, 3), batch_size=1, name="image")
    x = layers.Conv2D(4, 3)(image)
    boxes = layers.Conv2D(2, 1, name="boxes")(x) * 640.0
    scores = layers.Conv2D(3, 1, activation="sigmoid", name="scores")(x)
    return keras.Model(image, [layers.Concatenate()([boxes, scores]), layers.Permute((2, 1, 3))(boxes)])


def test_heads_are_seen_behind_joints_and_behind_what_scales_and_moves():
    scaled = keras.Sequential(
        [keras.Input((6,), batch_size=1), layers.Dense(3, activation="tanh"), layers.Rescaling(2)]
    )
    assert [(head.op, head.direct) for head in heads(opened(scaled))] == [("Tanh", False)]
    moved = keras.Sequential([keras.Input((6, 5), batch_size=1), layers.Dense(4), layers.Softmax(axis=1)])
    assert [head.op for head in heads(opened(moved))] == ["Softmax"]
    found = [(head.output, head.op, head.direct) for head in heads(opened(detector()))]
    assert found == [(0, "Concat", True), (0, "Concat", True), (0, "Sigmoid", False)]


def test_a_network_that_is_an_activation_alone_has_no_head():
    x = keras.Input((4,), batch_size=1, name="x")
    assert not list(heads(opened(keras.Model(x, layers.Softmax()(x)))))


def test_a_graph_without_keras_is_taken_apart_by_name_scopes(tmp_path):
    model = residual()
    model.export(tmp_path / "saved", verbose=False)
    from harness.export.saved_models import open_folder

    network = open_folder(Source(kind=SourceKind.SAVED_MODEL, location=str(tmp_path / "saved")))
    parts = take_apart(network).parts
    assert len(parts) >= 5
    assert any("Conv2D" in part.class_ for part in parts)
    path = tmp_path / "model.pb"
    path.write_bytes(network.frozen.SerializeToString())
    frozen = model_files.open_pb(Source(kind=SourceKind.PB, location=str(path)))
    assert take_apart(frozen).parts


def test_what_is_no_network_is_refused_in_words():
    network = opened(residual())
    with pytest.raises(ExportFailedError, match="nothing is computed between image:0 and itself"):
        cut(network, Cut(outputs=("image:0",)))
    parts = {part.layer: part for part in take_apart(network).parts}
    with pytest.raises(ExportFailedError, match="the part also needs the input 'image'"):
        cut(network, Cut(inputs=parts["sum"].inputs[1:], outputs=parts["sum"].taps))


def test_a_part_is_saved_as_others_are():
    """For the converters that start from a SavedModel; a wrapped graph has no signature of its own."""
    network = opened(residual())
    parts = {part.layer: part for part in take_apart(network).parts}
    piece = cut(network, Cut(outputs=parts["first"].taps))
    image = RANDOM.standard_normal((1, 6, 7, 3)).astype(np.float32)
    try:
        loaded = tf.saved_model.load(str(piece.saved_model_dir()))
        served = loaded.signatures["serving_default"](image=tf.constant(image))
        assert list(served) == ["output_0"]
        np.testing.assert_allclose(served["output_0"], computed(piece, image)[0], rtol=1e-6)
    finally:
        piece.close()


def frozen(tmp_path: Any, build: Any) -> Network:
    """Open what TensorFlow 1 would have frozen."""
    with tf.Graph().as_default() as graph:
        build(tf.compat.v1.placeholder(tf.float32, (1, 4), name="x"))
    path = tmp_path / "frozen.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return model_files.open_pb(Source(kind=SourceKind.PB, location=str(path)))


def test_joints_that_share_what_they_join_are_walked_once(tmp_path):
    """Two to the power of their number otherwise."""

    def build(x: Any) -> None:
        y = tf.sigmoid(x * 2.0)
        for _ in range(16):
            y = tf.concat([y, y], 0)
        tf.identity(y, name="y")

    assert len(list(heads(frozen(tmp_path, build)))) == 16 * 2 + 1


def test_a_loop_of_tensorflow_1_leads_back_and_the_walk_ends(tmp_path):
    def build(x: Any) -> None:
        loop = tf.compat.v1.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, y * 2.0), (0, x))
        tf.sigmoid(tf.reshape(loop[1], (1, 4)) + tf.cast(tf.reshape(loop[0], ()), tf.float32), name="y")

    lowered = not tf.compat.v1.control_flow_v2_enabled()
    tf.compat.v1.disable_control_flow_v2()
    try:
        network = frozen(tmp_path, build)
    finally:
        if not lowered:
            tf.compat.v1.enable_control_flow_v2()
    assert "NextIteration" in {node.op for node in network.whole.node}
    assert [head.op for head in heads(network)] == ["Sigmoid"]
    anatomy = take_apart(network)
    assert all(before < place for place, part in enumerate(anatomy.parts) for before in part.after)
    assert anatomy.chain_to(len(anatomy.parts) - 1)
    with pytest.raises(ExportFailedError, match=r"a loop of TensorFlow 1 \(node 'while/NextIteration"):
        _ = network.folded
