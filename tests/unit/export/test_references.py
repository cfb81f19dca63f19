"""A reference is what TensorFlow computes; where it has no kernel for this processor, what XLA compiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.errors import NoReferenceError
from harness.export import references
from harness.export.keras_models import from_model
from harness.export.network import Interface, Network
from harness.manifests import TensorSpec
from harness.pure.inputs import PROBES, SPECIAL, expand

tf: Any = pytest.importorskip("tensorflow")
keras: Any = pytest.importorskip("keras")
cases: Any = pytest.importorskip("tests.unit.export.graph_cases")

KERNEL = np.random.RandomState(1).randn(3, 2, 4, 6).astype(np.float32)
CHANNELS_FIRST = TensorSpec(name="x", shape=(1, 4, 6, 7))
IMAGE = np.random.RandomState(0).randn(1, 4, 6, 7).astype(np.float32)


@pytest.fixture(autouse=True)
def fresh_names():
    yield
    keras.backend.clear_session()


def network(body: Any, dtype: Any = np.float32) -> Network:
    interface = Interface(
        inputs=(CHANNELS_FIRST,), outputs=(CHANNELS_FIRST,), input_names=("x",), output_names=("output_0",)
    )
    function = tf.function(lambda x: [body(x)], autograph=False)
    concrete = function.get_concrete_function(tf.TensorSpec(CHANNELS_FIRST.shape, dtype, name="x"))
    return Network(kind="function", interface=interface, weights_digest="", function=concrete)


def channels_last(dtype: Any = np.float32, *, padding: str = "VALID") -> Any:
    """The same convolution with kernels that TensorFlow has."""
    image = np.transpose(IMAGE, (0, 2, 3, 1)).astype(dtype)
    return np.transpose(tf.nn.conv2d(image, KERNEL.astype(dtype), 2, padding), (0, 3, 1, 2))


def test_what_has_no_kernel_is_computed_by_xla():
    """Of channels first, float32 has kernels where TensorFlow is built with oneDNN; float64 has them nowhere."""
    found = network(lambda x: tf.nn.conv2d(x, KERNEL.astype(np.float64), 2, "VALID", data_format="NCHW"), np.float64)
    image = IMAGE.astype(np.float64)
    with pytest.raises(tf.errors.UnimplementedError):
        found.function(tf.constant(image))
    cases.assert_same([channels_last(np.float64)], references._by_function(found)([image]))


def test_a_channels_first_convolution_has_a_reference():
    found = network(lambda x: tf.nn.conv2d(x, KERNEL, 2, "VALID", data_format="NCHW"))
    cases.assert_same([channels_last()], references._by_function(found)([IMAGE]))


def test_a_channels_first_keras_model_has_a_reference():
    layer = keras.layers.Conv2D(6, (3, 2), 2, padding="same", data_format="channels_first", use_bias=False)
    model = keras.Sequential([keras.Input((4, 6, 7), name="x"), layer])
    model.set_weights([KERNEL])
    found = from_model(model, [CHANNELS_FIRST], ())
    cases.assert_same([channels_last(padding="SAME")], references._by_function(found)([IMAGE]))


def test_what_neither_can_compute_has_no_reference():
    def refuse(_array: Any) -> Any:
        raise NotImplementedError

    found = network(lambda x: tf.numpy_function(refuse, [x], x.dtype))
    with pytest.raises(NoReferenceError, match="TensorFlow cannot compute the model's outputs"):
        references._by_function(found)([IMAGE])


def test_where_the_network_is_not_steady_the_noise_says_so(tmp_path):
    """At a tie any rounding decides: the twin, in exact arithmetic, sees none."""
    tied = np.full(CHANNELS_FIRST.shape, 0.5, np.float32)
    np.savez(tmp_path / "in.npz", i0=tied)
    steps = network(lambda x: tf.identity(tf.cast(tf.argmax(tf.reshape(x, [-1])), x.dtype) + 0 * x, name="output_0"))
    why = references.compute(steps, [tmp_path / "in.npz"], [tmp_path / "out.npz"])
    with np.load(tmp_path / "out.npz") as found:
        assert np.abs(found["f32_0"] - found["f64_0"]).max() == 0
        assert float(found["noise_0"]) >= 1
    assert "moved by 1 ulp" in why


class Away:
    """A twin that is away from float32 by a constant."""

    def __init__(self, distance: float) -> None:
        self.distance = distance

    def run(self, arrays: list[Any]) -> list[Any]:
        return [steep(arrays[0]) + self.distance]

    def close(self) -> None:
        pass


def steep(x: Any) -> Any:
    """About 1 at 1.0001, and moved by 1e-3 where that moves by one ulp."""
    return (x - 1) * 1e4


@pytest.mark.parametrize(("distance", "counts"), [(0.02, True), (0.5, False)], ids=["unsteady", "another function"])
def test_a_twin_that_is_far_away_counts_as_rounding_only_where_the_network_is_as_unsteady(distance, counts):
    x = np.full((1, 8), 1.0001, np.float32)
    found, why = references._one(lambda arrays: [steep(arrays[0]).astype(np.float32)], Away(distance), [x])
    assert why is not None
    assert "twin is" in why
    assert (float(found["noise_0"]) >= 0.9 * distance) is counts
    np.testing.assert_array_equal(found["f64_0"], found["f32_0"])


@pytest.mark.parametrize(
    ("kind", "stored", "roundoff"), [("float32", "float32", 24), ("float16", "float16", 11), ("bfloat16", "float32", 8)]
)
def test_a_reference_tells_the_coarsest_arithmetic_of_the_model(tmp_path, kind, stored, roundoff):
    low = tf.as_dtype(kind)
    found = network(lambda x: tf.multiply(tf.tanh(tf.cast(x, low)), tf.cast(3, low), name="output_0"))
    np.savez(tmp_path / "in.npz", i0=IMAGE)
    references.compute(found, [tmp_path / "in.npz"], [tmp_path / "out.npz"])
    with np.load(tmp_path / "out.npz") as made:
        assert made["roundoff"] == 2.0**-roundoff
        assert made["f32_0"].dtype == stored
        exact = 3 * np.tanh(IMAGE.astype(np.float64))
        np.testing.assert_allclose(made["f64_0"], exact, rtol=1e-12)  # however coarse: that is what a twin is for
        assert 2.0**-roundoff / 30 < made["noise_0"] < 2.0**-roundoff * 30


@pytest.mark.parametrize("plan", SPECIAL, ids=lambda plan: plan.kind)
def test_odd_values_are_computed_once_and_by_nothing_but_tensorflow(plan, tmp_path, monkeypatch):
    """A twin would not flush denormals, and neither NaN nor infinity can be moved by an ulp."""
    (array,) = expand(plan, [CHANNELS_FIRST])
    np.savez(tmp_path / "in.npz", i0=array)
    runs = []
    found = network(lambda x: 2 * x)
    plain = references._by_function(found)
    monkeypatch.setattr(references, "_by_function", lambda _: lambda arrays: runs.append(1) or plain(arrays))
    why = references.compute(found, [tmp_path / "in.npz"], [tmp_path / "out.npz"])
    assert len(runs) == 1
    assert "run once" in why
    with np.load(tmp_path / "out.npz") as stored:
        assert float(stored["noise_0"]) == 0
        assert stored["f64_0"].dtype == np.float64
        np.testing.assert_array_equal(np.isnan(stored["f32_0"]), np.isnan(array))
        np.testing.assert_array_equal(np.isinf(stored["f64_0"]), np.isinf(array))


def test_among_ordinary_inputs_odd_ones_leave_those_their_twin(tmp_path):
    odd, plain = (expand(plan, [CHANNELS_FIRST])[0] for plan in (SPECIAL[-1], PROBES[0]))
    files = [tmp_path / f"{name}.npz" for name in ("odd", "plain", "odd_out", "plain_out")]
    np.savez(files[0], i0=odd)
    np.savez(files[1], i0=plain)
    found = network(lambda x: tf.identity(tf.exp(x), name="output_0"))
    assert "float64 twin" in references.compute(found, files[:2], files[2:])
    with np.load(files[2]) as odd_out, np.load(files[3]) as plain_out:
        assert float(odd_out["noise_0"]) == 0 < float(plain_out["noise_0"])
