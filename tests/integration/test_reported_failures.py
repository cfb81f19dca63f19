"""Failures that people reported in public, and what `check` answers today: by the good routes, and by what they tried.

The networks are written from the reports' descriptions. Where a stock recipe fails, the layer in the way is named.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cells import subjects
from harness.errors import ModelRejectedError
from harness.records import Outcome, Record
from harness.usecases.checking import check

pytestmark = pytest.mark.xdist_group("reported_failures")  # what its fixtures make is made once

NETS = """
import keras
import tensorflow as tf
from keras import layers, ops

def image(*shape):
    return keras.Input(shape or (12, 16, 3), name="image")

def training_batch_norm():
    x = i = image()
    x = layers.Conv2D(4, 3, name="conv")(x)
    x = layers.BatchNormalization(name="bn")(x, training=True)
    return keras.Model(i, layers.ReLU(name="relu")(x))

def dynamic_batch():
    x = i = image(8, 10, 3)
    x = layers.Flatten(name="flat")(layers.Conv2D(4, 3, name="conv")(x))
    return keras.Model(i, layers.Dense(3, name="scores")(x))

class Resize(layers.Layer):
    def __init__(self, method, **options):
        super().__init__(**options)
        self.method = method

    def call(self, x):
        return tf.image.resize(x, (18, 24), method=self.method)

def tf_resize():
    x = i = image()
    return keras.Model(i, [Resize(method, name=method)(x) for method in ("bilinear", "nearest", "bicubic")])

def old_resize():
    class Aligned(layers.Layer):
        def call(self, x):
            return tf.compat.v1.image.resize_bilinear(x, (23, 31), align_corners=True)
    x = i = image()
    return keras.Model(i, Aligned(name="aligned")(x))

class DepthToSpace(layers.Layer):
    def call(self, x):
        return tf.nn.depth_to_space(x, 2)

def subpixel():
    x = i = image()
    x = layers.Conv2D(12, 3, padding="same", name="conv")(x)
    return keras.Model(i, DepthToSpace(name="shuffle")(x))

def transposed():
    x = i = image(7, 9, 3)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="up")(x)
    return keras.Model(i, layers.Conv2DTranspose(2, 4, strides=2, padding="same", name="up2")(x))

def recurrent():
    x = i = keras.Input((6, 5), name="steps")
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both")(x)
    return keras.Model(i, layers.GRU(3, name="gru")(x))

def embedded():
    i = keras.Input((7,), dtype="int32", name="ids")
    x = layers.Embedding(30, 6, name="table")(i)
    return keras.Model(i, layers.Dense(2, name="scores")(layers.GlobalAveragePooling1D(name="mean")(x)))

def outputs_in_order():
    x = i = image()
    x = layers.Conv2D(4, 3, name="shared")(x)
    zebra = layers.Dense(2, name="zebra")(layers.Flatten()(x))
    apple = layers.Conv2D(5, 1, name="apple")(x)
    return keras.Model(i, [zebra, apple, layers.GlobalMaxPooling2D(name="mango")(x)])

def softmax_axis():
    x = i = image(5, 7, 4)
    return keras.Model(i, [layers.Softmax(axis=1, name="rows")(x), layers.Softmax(axis=-1, name="channels")(x)])

def flatten_order():
    x = i = image(5, 7, 4)
    x = layers.Permute((3, 1, 2), name="permute")(layers.Conv2D(3, 2, name="conv")(x))
    return keras.Model(i, layers.Dense(6, name="dense")(layers.Flatten(name="flatten")(x)))

def l2_normalised():
    x = i = image()
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, name="conv")(x))
    x = layers.Lambda(lambda v: tf.math.l2_normalize(v, axis=1), name="l2")(x)
    return keras.Model(i, x)

def gelu():
    x = i = keras.Input((5, 8), name="x")
    exact = layers.Dense(8, activation="gelu", name="exact")(x)
    return keras.Model(i, [exact, layers.Lambda(lambda v: tf.nn.gelu(v, approximate=True), name="tanh")(x)])

def attention():
    x = i = keras.Input((6, 8), name="x")
    return keras.Model(i, layers.LayerNormalization(name="norm")(x + layers.MultiHeadAttention(2, 4, name="mha")(x, x)))

def asymmetric():
    x = i = image()
    x = layers.ZeroPadding2D(((0, 1), (1, 2)), name="pad")(x)
    return keras.Model(i, layers.Conv2D(4, 3, strides=2, name="conv")(x))

class Swish(layers.Layer):
    def build(self, shape):
        self.beta = self.add_weight(shape=(shape[-1],), initializer="ones")
    def call(self, x):
        y = x * tf.math.sigmoid(self.beta * x)
        return tf.concat([y, tf.math.reduce_max(y, axis=-1, keepdims=True)], axis=-1)

def custom_tf():
    x = i = image()
    return keras.Model(i, layers.Conv2D(2, 1, name="last")(Swish(name="swish")(layers.Conv2D(4, 3, name="conv")(x))))

class SoftArgmax(layers.Layer):
    def call(self, heat):
        _, h, w, c = heat.shape
        flat = tf.reshape(tf.transpose(heat, (0, 3, 1, 2)), (-1, c, h * w))
        p = tf.reshape(tf.nn.softmax(flat, axis=-1), (-1, c, h, w))
        ys = tf.reduce_sum(tf.reduce_sum(p, axis=3) * tf.linspace(-1.0, 1.0, h), axis=-1)
        xs = tf.reduce_sum(tf.reduce_sum(p, axis=2) * tf.linspace(-1.0, 1.0, w), axis=-1)
        return tf.stack([xs, ys], axis=-1)

def dsnt():
    x = i = image()
    x = layers.Conv2D(8, 3, activation="relu", name="features")(x)
    return keras.Model(i, SoftArgmax(name="dsnt")(layers.Conv2D(5, 1, name="heat")(x)))
"""

WORKS = {
    "training_batch_norm": "opencv#14218, opencv#12461: exported with its BatchNormalization still in training",
    "dynamic_batch": "opencv#19499, opencv#22086: a batch axis left open",
    "tf_resize": "opencv#18721: masks shifted by bilinear resizing",
    "old_resize": "tensorflow#33691: aligned corners, from TensorFlow 1",
    "subpixel": "tensorflow#25044: depth_to_space in super-resolution",
    "transposed": "opencv#10702, keras-onnx#555: Conv2DTranspose with padding 'same'",
    "recurrent": "opencv#18183, opencv#18390: LSTM and GRU of Keras",
    "outputs_in_order": "several outputs whose names are not in their order",
    "softmax_axis": "a softmax over another axis than the last",
    "flatten_order": "opencv#9992, opencv#10065: Dense behind Flatten, in the wrong order of channels",
    "l2_normalised": "embeddings normalized by tf.math.l2_normalize",
    "gelu": "GELU, exact and approximate",
    "attention": "opencv#22446, opencv#24797: attention and LayerNormalization",
    "asymmetric": "padding of one side, as in MobileNet",
    "custom_tf": "a layer of one's own, of TensorFlow's operations",
    "dsnt": "coordinates by a soft argmax (DSNT)",
}
"""Networks that both good routes carry."""

IN_THE_WAY = [
    ("embedded", "pb", Outcome.IMPORT_ERROR, "table", "Embedding"),  # opencv#20439
    ("subpixel", "tflite", Outcome.UNSUPPORTED_OP, "shuffle", "DepthToSpace"),
    ("recurrent", "tflite", Outcome.UNSUPPORTED_OP, "gru", "GRU"),
    ("l2_normalised", "tflite", Outcome.UNSUPPORTED_OP, "l2", "Lambda"),
    ("attention", "tflite", Outcome.UNSUPPORTED_OP, "mha", "MultiHeadAttention"),
    ("dsnt", "pb-naive", Outcome.IMPORT_ERROR, "dsnt", "SoftArgmax"),
    ("training_batch_norm", "pb-naive", Outcome.CRASH, "conv", "Conv2D"),
]


@pytest.fixture(scope="module")
def reported(checks):
    return checks("reported", NETS)


def by_route(records: tuple[Record, ...]) -> dict[str, Outcome]:
    return {record.route: record.outcome for record in records}


@pytest.mark.parametrize("name", WORKS)
def test_what_people_failed_with_works_by_the_good_routes(reported, name):
    records = reported(f"reported:{name}", "onnx,pb")
    assert by_route(records) == {"onnx": Outcome.OK, "pb": Outcome.OK}, WORKS[name]


def test_whole_numbers_go_by_onnx(reported):
    assert by_route(reported("reported:embedded", "onnx")) == {"onnx": Outcome.OK}


@pytest.mark.parametrize(("name", "route", "outcome", "layer", "class_"), IN_THE_WAY)
def test_where_a_route_fails_the_layer_in_the_way_is_named(reported, name, route, outcome, layer, class_):
    (record,) = reported(f"reported:{name}", route)
    assert record.outcome is outcome
    failing = {one.name: one.class_ for one in record.layers or () if one.outcome is not Outcome.OK}
    assert failing.get(layer) == class_


def test_any_batch_has_a_route_of_its_own(reported):
    (record,) = reported("reported:dynamic_batch", "onnx-dynamic-batch")
    assert record.outcome is Outcome.OK


def test_a_saved_model_is_taken_as_a_folder_and_named_where_its_file_is_handed_in(reported, models_folder):
    """opencv#16582, opencv#21769: `readNetFromTensorflow("saved_model.pb")`."""
    folder = models_folder / "seed_saved_model"
    session = reported.session
    with session.using(replace(session.settings, route=("onnx", "pb"))):
        answer = check(session, subjects.from_text(str(folder), zoo=()), advice=False)
    assert by_route(answer.records) == {"onnx": Outcome.OK, "pb": Outcome.OK}
    with pytest.raises(ModelRejectedError, match="SavedModel"):
        subjects.from_text(str(folder / "saved_model.pb"), zoo=())
