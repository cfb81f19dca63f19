"""Conditioned weights: every zoo network varies with its input, and nothing in it folds away."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cases import Case, Weights, load_zoo, select
from harness.export.conditioning import condition, probe_batch, rounded
from harness.manifests import TensorSpec
from harness.pictures import load_pictures
from model_zoo.architectures.mtcnn import preprocess

pytestmark = pytest.mark.xdist_group("conditioning")  # what its fixtures make is made once

keras: Any = pytest.importorskip("keras")
SCRIPT = Path(__file__).with_name("condition_zoo.py")
CORE = select(load_zoo("model_zoo"), "core")
CONDITIONED = [case for case in CORE if case.weights is Weights.CONDITIONED]
TRAINED = [case for case in CORE if case.weights is Weights.TRAINED]
LEAST_SPREAD = 0.05
IMAGE = TensorSpec(name="image", shape=(1, 9, 12, 5))


@pytest.fixture(autouse=True)
def fresh_names() -> Any:
    yield
    keras.backend.clear_session()


@pytest.fixture(scope="module")
def digests_elsewhere() -> dict[str, str]:
    """Digests made by another process, with other threads and another global random state."""
    command = [sys.executable, str(SCRIPT), "1", *(case.id for case in CONDITIONED)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=180)
    return dict(json.loads(done.stdout))


def call(model: Any, arrays: list[Any]) -> list[np.ndarray[Any, Any]]:
    structure = getattr(model, "input", None)  # a Sequential has none until it is called
    outputs = model(arrays[0] if structure is None else keras.tree.pack_sequence_as(structure, arrays), training=False)
    return [np.asarray(output, np.float64) for output in keras.tree.flatten(outputs)]


def spread(output: np.ndarray[Any, Any]) -> float:
    """Standard deviation over the items of a batch, relative to the output's own size."""
    return float(np.sqrt(np.mean(output.std(axis=0) ** 2) / np.mean(output**2)))


def idle(model: Any) -> list[str]:
    """Weights that a converter could drop or fold unnoticed: constants where there are several, 0 or 1 where one."""
    values = [(weight.path, np.asarray(weight)) for weight in model.weights]
    return [path for path, value in values if (np.ptp(value) == 0 if value.size > 1 else value.item() in (0, 1))]


@pytest.mark.parametrize("case", CONDITIONED, ids=lambda case: case.id)
def test_outputs_vary_with_the_input_and_no_weight_is_idle(case: Case, digests_elsewhere: dict[str, str]) -> None:
    model = case.build()
    condition(model, case.inputs, seed=0)
    digest = hashlib.sha256(b"".join(array.tobytes() for array in model.get_weights())).hexdigest()
    assert digest == digests_elsewhere[case.id], "the weights depend on threads, process or global random state"
    assert [tensor.name for tensor in model.inputs] == [spec.name for spec in case.inputs]
    assert idle(model) == []
    outputs = call(model, [probe_batch(spec, index, 99, 6) for index, spec in enumerate(case.inputs)])
    for output in outputs:
        assert np.isfinite(output).all()
        assert spread(output) > LEAST_SPREAD
        assert 0.01 < np.sqrt(np.mean(output**2)) < 100
        if is_distribution(output):
            assert output.max(axis=-1).mean() < 0.99, "one-hot: saturated"
            assert output.std(axis=-1).mean() > 0.1 / output.shape[-1], "uniform: saturated the other way"


def is_distribution(output: np.ndarray[Any, Any]) -> bool:
    return bool(output.shape[-1] > 1 and (output >= 0).all() and np.allclose(output.sum(axis=-1), 1, atol=1e-5))


@pytest.mark.parametrize("case", TRAINED, ids=lambda case: case.id)
def test_trained_networks_know_a_face(case: Case) -> None:
    if case.missing_packages():
        pytest.skip(f"needs {case.missing_packages()}, which are in the development group")
    model = case.build()
    assert [tensor.name for tensor in model.inputs] == [spec.name for spec in case.inputs]
    assert idle(model) == []
    pictures = load_pictures(str(case.picture))
    *_, classes = call(model, [np.concatenate([picture.keras_input for picture in pictures])])
    faces = dict(zip([picture.name for picture in pictures], classes[..., 1].reshape(len(pictures), -1), strict=True))
    if case.id.endswith("pnet"):
        assert all(found.max() > 0.9 and found.min() < 0.01 for found in faces.values())
    else:
        assert faces["astronaut-face"] > 0.99
        assert faces["astronaut-no-face"] < 0.5


def test_mtcnn_pictures_are_preprocessed_as_the_package_does() -> None:
    images = pytest.importorskip("mtcnn.utils.images", reason="the package is in the development group")
    pixels = np.arange(4 * 8 * 3, dtype=np.uint8).reshape(4, 8, 3)
    np.testing.assert_array_equal(preprocess(pixels), images.normalize_images(pixels[None]).astype(np.float32))


def test_pre_activations_have_unit_variance_through_the_whole_depth() -> None:
    x = inputs = keras.Input((9, 12, 5))
    taps = []
    for _ in range(20):
        x = keras.layers.Conv2D(7, 3, padding="same")(x)
        taps.append(x)
        x = keras.layers.ReLU()(x)
    model = keras.Model(inputs, taps)
    condition(model, [IMAGE], seed=0)
    for tap in call(model, [probe_batch(IMAGE, 0, 99, 8)]):
        assert 0.5 < tap.std() < 2
        assert spread(tap) > 0.3


def test_saturating_activations_are_measured_before_they_saturate() -> None:
    for activation in ("softmax", "sigmoid", "tanh", keras.layers.PReLU()):
        model = keras.Sequential([keras.Input((11,)), keras.layers.Dense(64, activation=activation, name="head")])
        condition(model, [TensorSpec(name="x", shape=(1, 11))], seed=0)
        held = model.get_layer("head").activation
        assert held is activation or held is getattr(keras.activations, str(activation))
        model.get_layer("head").__dict__["activation"] = keras.activations.linear
        (logits,) = call(model, [probe_batch(TensorSpec(name="x", shape=(1, 11)), 0, 99, 64)])
        assert 0.5 < logits.std() < 2


def test_another_seed_gives_other_weights_and_the_same_one_the_same() -> None:
    def weights(seed: int) -> np.ndarray[Any, Any]:
        model = keras.Sequential([keras.Input((9, 12, 5)), keras.layers.Conv2D(4, 3)])
        condition(model, [IMAGE], seed=seed)
        return np.concatenate([array.ravel() for array in model.get_weights()])

    np.testing.assert_array_equal(weights(1), weights(1))
    assert (weights(1) != weights(2)).all()


def test_a_shared_layer_is_conditioned_for_its_first_use_only() -> None:
    inputs = keras.Input((11,))
    shared = keras.layers.Dense(11)
    once, twice = keras.Model(inputs, shared(inputs)), keras.Model(inputs, shared(100 * shared(inputs)))
    spec = TensorSpec(name="x", shape=(1, 11))
    condition(twice, [spec], seed=0)
    (output,) = call(once, [probe_batch(spec, 0, 99, 64)])
    assert 0.5 < output.std() < 2


def test_layers_inside_nested_models_and_subclasses_are_reached() -> None:
    class Twice(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = keras.Sequential([keras.layers.Dense(7), keras.layers.BatchNormalization()])
            self.outer = keras.layers.Bidirectional(keras.layers.GRU(3))

        def call(self, inputs: Any) -> Any:
            return self.outer(self.inner(inputs))

    model = Twice()
    condition(model, [TensorSpec(name="x", shape=(1, 6, 11))], seed=0)
    assert len(model.weights) == 2 + 4 + 6
    assert idle(model) == []


def test_frozen_layers_are_conditioned_too() -> None:
    model = keras.Sequential([keras.Input((11,)), keras.layers.Dense(7), keras.layers.BatchNormalization()])
    model.trainable = False
    condition(model, [TensorSpec(name="x", shape=(1, 11))], seed=0)
    assert idle(model) == []


def test_dict_inputs_keep_their_names() -> None:
    inputs = {"right": keras.Input((3,), name="right"), "left": keras.Input((5,), name="left")}
    joined = keras.layers.Concatenate()([inputs["left"], inputs["right"]])
    model = keras.Model(inputs, keras.layers.Dense(4)(joined))
    specs = [TensorSpec(name=tensor.name, shape=(1, *tensor.shape[1:])) for tensor in model.inputs]
    condition(model, specs, seed=0)
    assert idle(model) == []


def test_a_fixed_batch_axis_is_respected() -> None:
    model = keras.Sequential(
        [keras.Input(batch_shape=(1, 7, 5)), keras.layers.LSTM(6, stateful=True), keras.layers.Dense(4)]
    )
    condition(model, [TensorSpec(name="x", shape=(1, 7, 5))], seed=0)
    assert idle(model) == []


def test_keras_is_left_as_it_was_even_after_a_failure() -> None:
    class Fails(keras.layers.Layer):  # type: ignore[misc]
        armed = False

        def call(self, inputs: Any) -> Any:
            if self.armed and inputs.dtype == "float64":
                raise ArithmeticError("planted")
            return inputs

    original = keras.layers.Layer.__call__
    model = keras.Sequential([keras.Input((11,)), keras.layers.Dense(3), Fails()])
    Fails.armed = True
    with pytest.raises(ArithmeticError, match="planted"):
        condition(model, [TensorSpec(name="x", shape=(1, 11))], seed=0)
    assert keras.layers.Layer.__call__ is original
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}


@pytest.mark.parametrize(
    ("shape", "name", "options"),
    [
        ((5, 7, 9, 3), "MaxPooling3D", {"pool_size": 2}),
        ((5, 9, 12), "Conv2D", {"filters": 8, "kernel_size": 3, "data_format": "channels_first"}),
        ((5, 7, 6), "Conv2DTranspose", {"filters": 4, "kernel_size": 3, "dilation_rate": 2}),
        ((96,), "MelSpectrogram", {"fft_length": 32, "sequence_stride": 10, "num_mel_bins": 6}),
    ],
)
def test_what_computes_in_float32_only_is_conditioned_there(
    shape: tuple[int, ...], name: str, options: dict[str, Any]
) -> None:
    layer = getattr(keras.layers, name)(**options)
    model = keras.Sequential([keras.Input(shape), layer, keras.layers.Flatten(), keras.layers.Dense(3)])
    condition(model, [TensorSpec(name="x", shape=(1, *shape))], seed=0)
    assert idle(model) == []
    assert layer.compute_dtype == "float32"


def test_what_the_cpu_has_no_kernel_for_is_conditioned_by_xla_to_the_same_weights() -> None:
    ids = ["layers/conv2d/channels-first", "layers/conv2d_transpose/valid-dilated"]
    command = [sys.executable, str(SCRIPT), "1", *ids]
    with_and_without = [
        subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=180,
            env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn},  # oneDNN has these kernels, TensorFlow has not
        ).stdout
        for onednn in "10"
    ]
    first, second = (json.loads(output) for output in with_and_without)
    assert first.keys() == set(ids)
    assert first == second


def test_layers_that_were_given_their_weights_keep_them() -> None:
    layer = keras.layers.Normalization()
    layer.adapt(np.asarray([[1.0, 5.0], [3.0, 9.0]], np.float32))
    model = keras.Sequential([keras.Input((2,)), layer])
    before = model.get_weights()
    condition(model, [TensorSpec(name="x", shape=(1, 2))], seed=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_rounding_keeps_two_significant_bits() -> None:
    np.testing.assert_array_equal(rounded([0.0, 1.0, 1.2, 1.3, 2.6, -5.1]), [0.0, 1.0, 1.0, 1.5, 3.0, -6.0])
    assert rounded(1.0000001) == rounded(0.9999999) == 1.0


def test_open_axes_are_refused() -> None:
    with pytest.raises(ValueError, match="needs all sizes fixed"):
        probe_batch(TensorSpec(name="x", shape=(1, None, 3)), 0, 0, 2)
