"""Write every model the command line is tried with: `write_models.py FOLDER`, one TensorFlow process for all of them.

The sound ones are the network of the usual tutorial in every form that is saved; the others are what people hand in by
mistake.
"""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import onnx
import tensorflow as tf
from keras import layers
from onnx import TensorProto, helper, numpy_helper
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

SEED_NET = """
def build():
    import keras
    from keras import layers
    keras.utils.set_random_seed(1)
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ])

def no_model():
    return 42

def broken():
    raise RuntimeError("the weights are on the other machine")
"""


MARKS = {".h5": b"model_weights", ".pb": b"MaxPool", ".onnx": b"MatMul", ".tflite": b"MLIR Converted"}
"""Where bytes are overwritten, but for archives. These formats have no checksums, so it must be where their structure
is; a weight that was turned over is just another weight."""


def sound(folder: Path) -> None:
    """The seed network as `.keras`, `.h5`, SavedModel, callable, `.pb` and `.tflite`."""
    (folder / "seed_net.py").write_text(SEED_NET)
    sys.path.insert(0, str(folder))
    import seed_net

    model = seed_net.build()
    model.save(folder / "seed.keras")
    model.save(folder / "seed.h5")
    tf.saved_model.save(model, folder / "seed_saved_model")
    function = concrete(model)
    frozen = convert_variables_to_constants_v2(function)
    tf.io.write_graph(frozen.graph, str(folder), "seed.pb", as_text=False)
    tf.io.write_graph(frozen.graph, str(folder), "graph.pbtxt", as_text=True)
    tf.io.write_graph(function.graph, str(folder), "unfrozen.pb", as_text=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    (folder / "seed.tflite").write_bytes(converter.convert())


def concrete(model: keras.Model) -> object:
    specs = [tf.TensorSpec([1, *tensor.shape[1:]], tensor.dtype) for tensor in model.inputs]
    return tf.function(model).get_concrete_function(*specs)


def renamed(folder: Path) -> None:
    """One format under the ending of another."""
    shutil.copy(folder / "seed.tflite", folder / "frozen_graph.pb")
    shutil.copy(folder / "matmul.onnx", folder / "onnx_named.pb")
    shutil.copy(folder / "seed.pb", folder / "pb_named.onnx")
    shutil.copy(folder / "seed.keras", folder / "keras_named.h5")
    shutil.copy(folder / "graph.pbtxt", folder / "text_named.pb")
    shutil.copy(folder / "seed.keras", folder / "seed.zip")


def damaged(folder: Path) -> None:
    """Each format empty, cut in the middle, and with bytes overwritten."""
    (folder / "text.pb").write_text("this is no model\n")
    for name in ("seed.keras", "seed.h5", "seed.pb", "matmul.onnx", "seed.tflite"):
        data = (folder / name).read_bytes()
        ending = Path(name).suffix
        (folder / f"empty{ending}").write_bytes(b"")
        (folder / f"truncated{ending}").write_bytes(data[: len(data) // 2])
        (folder / f"noise{ending}").write_bytes(np.random.default_rng(0).bytes(5000))
        at = data.index(MARKS[ending]) - 40 if ending in MARKS else len(data) // 2
        (folder / f"corrupted{ending}").write_bytes(data[:at] + b"\xff" * 64 + data[at + 64 :])
    with zipfile.ZipFile(folder / "no_config.keras", "w") as archive:
        archive.writestr("readme.txt", "not a model")


def best_three(folder: Path) -> None:
    """A model that `.pb` cannot carry: OpenCV's importer has no TopKV2."""
    values = keras.Input((12,), name="values")
    best, _ = keras.ops.top_k(layers.Dense(10)(values), 3)
    keras.Model(values, layers.Dense(2)(best)).save(folder / "best_three.keras")


def odd_keras(folder: Path) -> None:
    """A Lambda, and weights that are no numbers."""
    doubled = keras.Sequential([keras.Input((6,)), layers.Dense(4), layers.Lambda(lambda x: x * 2.0 + 1.0)])
    doubled.save(folder / "lambda.keras")
    for name, value in (("nan", np.nan), ("inf", -np.inf)):
        model = keras.Sequential([keras.Input((6,)), layers.Dense(4, name="broken_head")])
        model.layers[-1].kernel.assign(np.full((6, 4), value))
        model.save(folder / f"{name}.keras")


def odd_saved_models(folder: Path) -> None:
    """Signatures that no blob can be given to."""
    weight = tf.Variable(np.ones((4, 3), np.float32))
    signatures = {
        "without_inputs": ((), lambda: weight * 2.0),
        "string_inputs": ((tf.TensorSpec([1], tf.string, name="text"),), lambda x: tf.strings.to_number(x) * weight),
        "unknown_rank": ((tf.TensorSpec(None, tf.float32, name="anything"),), lambda x: tf.reduce_sum(x) * weight),
    }
    for name, (signature, body) in signatures.items():
        module = tf.Module()
        module.weight = weight
        module.serve = tf.function(body, input_signature=signature)
        tf.saved_model.save(module, folder / name, signatures={"serving_default": module.serve})
    (folder / "no_saved_model").mkdir()


def odd_graphs(folder: Path) -> None:
    """GraphDefs without an input, and with one of unknown rank."""
    with tf.Graph().as_default() as constant:
        tf.identity(tf.constant([1.0, 2.0, 3.0]) * 2.0, name="y")
    tf.io.write_graph(constant, str(folder), "without_inputs.pb", as_text=False)
    with tf.Graph().as_default() as loose:
        x = tf.compat.v1.placeholder(tf.float32, None, name="anything")
        tf.identity(x * 2.0, name="y")
    tf.io.write_graph(loose, str(folder), "unknown_rank.pb", as_text=False)


def onnx_models(folder: Path) -> None:
    """A sound one, and one for each thing that can be wrong with inputs and weights."""
    write_onnx(folder / "matmul.onnx", shape=[1, 4], kind=TensorProto.FLOAT, weight=1.5)
    write_onnx(folder / "nan.onnx", shape=[1, 4], kind=TensorProto.FLOAT, weight=np.nan)
    write_onnx(folder / "unknown_rank.onnx", shape=None, kind=TensorProto.FLOAT, weight=1.5)
    text = helper.make_tensor_value_info("text", TensorProto.STRING, [1])
    out = helper.make_tensor_value_info("y", TensorProto.STRING, [1])
    save_onnx(folder / "string_inputs.onnx", [helper.make_node("Identity", ["text"], ["y"])], [text], [out], [])
    weight = numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 3])
    save_onnx(folder / "without_inputs.onnx", [helper.make_node("Relu", ["w"], ["y"])], [], [out], [weight])


def write_onnx(path: Path, *, shape: list[int] | None, kind: int, weight: float) -> None:
    x = helper.make_tensor_value_info("x", kind, shape)
    y = helper.make_tensor_value_info("y", kind, None if shape is None else [1, 3])
    kernel = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3) * np.float32(weight)
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="multiply")
    save_onnx(path, [node], [x], [y], [numpy_helper.from_array(kernel, "w")])


def save_onnx(path: Path, nodes: list, inputs: list, outputs: list, weights: list) -> None:
    graph = helper.make_graph(nodes, "g", inputs, outputs, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def main(folder: Path) -> None:
    sound(folder)
    onnx_models(folder)
    best_three(folder)
    odd_keras(folder)
    odd_saved_models(folder)
    odd_graphs(folder)
    renamed(folder)
    damaged(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
