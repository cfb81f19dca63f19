"""Every kind of fault, planted in a small graph that has what it needs: it changes the numbers and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.export.faults import keras_faults, planting
from harness.pure import faults

onnx: Any = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

RANDOM = np.random.RandomState(5)
IMAGE = (1, 4, 7, 9)
KERNEL = RANDOM.randn(6, 4, 3, 3).astype(np.float32)
BIAS = RANDOM.randn(6).astype(np.float32)
CONV = {"w": KERNEL, "b": BIAS}
SCALAR = np.float32


def model(
    nodes: list[Any],
    constants: dict[str, Any] | None = None,
    *,
    shape: tuple[int, ...] = IMAGE,
    opset: int = 13,
    outputs: str = "y",
) -> Any:
    described = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)]
    found = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs.split()]
    initial = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", described, found, initializer=initial)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return onnx.shape_inference.infer_shapes(made)


def op(name: str, inputs: str = "x", outputs: str = "y", **attributes: Any) -> Any:
    return helper.make_node(name, inputs.split(), outputs.split(), **attributes)


CONV2D = model([op("Conv", "x w b", pads=[1, 1, 1, 1])], CONV)
GROUPED = model([op("Conv", "x w", group=2)], {"w": RANDOM.randn(6, 2, 3, 3).astype(np.float32)})
DILATED = model([op("Conv", "x w b", dilations=[2, 1], pads=[2, 0, 0, 0])], CONV)
POOL = model([op("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1])])
DENSE = {"w": RANDOM.randn(9, 5).astype(np.float32), "b": RANDOM.randn(5).astype(np.float32)}
SIX = {"low": SCALAR(0), "high": SCALAR(6)}
TWICE = {"roi": np.zeros(0, np.float32), "scales": np.array([1, 1, 2, 2], np.float32)}
RESIZE = model([op("Resize", "x roi scales", mode="linear", coordinate_transformation_mode="half_pixel")], TWICE)
GELU = model([op("Erf", "x", "e"), op("Mul", "x e")])

APPLICABLE = {
    "weights-up-1%": [CONV2D, model([op("MatMul", "x w")], DENSE)],
    "weights-down-1%": [CONV2D],
    "one-weight-up-10%": [CONV2D],
    "one-weight-down-10%": [CONV2D],
    "weights-half": [CONV2D],
    "channels-swapped": [
        CONV2D,
        model([op("Gemm", "x w b")], DENSE, shape=(3, 9)),
        model([op("MatMul", "x w")], DENSE),
    ],
    "kernel-transposed": [CONV2D, model([op("Conv", "x w")], {"w": RANDOM.randn(6, 4, 2, 3).astype(np.float32)})],
    "bias-dropped": [CONV2D, model([op("MatMul", "x w", "p"), op("Add", "p b")], DENSE)],
    "groups-exchanged": [GROUPED],
    "padding-shifted": [
        CONV2D,
        POOL,
        model([op("Pad", "x pads", mode="edge")], {"pads": np.array([0, 0, 1, 0, 0, 0, 0, 2])}),
        model([op("Pad", pads=[0, 0, 0, 0, 0, 0, 1, 0], mode="reflect")], opset=10),
    ],
    "dilation-ignored": [DILATED],
    "pool-counts-padding": [
        POOL,
        model([op("AveragePool", kernel_shape=[2, 2], pads=[1, 0, 0, 0], count_include_pad=1)]),
    ],
    "pool-exchanged": [
        model([op("MaxPool", kernel_shape=[2, 2], strides=[2, 2])]),
        POOL,
        model([op("GlobalMaxPool")]),
        model([op("GlobalAveragePool")]),
    ],
    "relu6-as-relu": [model([op("Clip", "x low high")], SIX), model([op("Clip", min=0.0, max=6.0)], opset=10)],
    "relu-as-relu6": [model([op("Relu")]), model([op("Relu")], opset=10)],
    "slope-exchanged": [
        model([op("LeakyRelu", alpha=0.2)]),
        model([op("LeakyRelu")]),
        model([op("Elu", alpha=0.3)]),
        model([op("Elu")]),
    ],
    "gelu-exchanged": [GELU, model([op("Gelu")], opset=20), model([op("Gelu", approximate="tanh")], opset=20)],
    "softmax-axis": [model([op("Softmax", axis=1)]), model([op("Softmax", axis=-1)])],
    "activation-left-out": [model([op("Sigmoid")]), model([op("Relu")])],
    "half-pixel-flipped": [RESIZE],
    "align-corners-flipped": [RESIZE],
    "operands-exchanged": [model([op("Sub", "x c")], {"c": SCALAR(2)}), model([op("Div", "x c")], {"c": SCALAR(2)})],
    "parts-exchanged": [model([op("Neg", "x", "n"), op("Concat", "x n", axis=1)])],
}
"""Kind -> graphs in which it can be planted."""

NOT_APPLICABLE = {
    "weights-up-1%": model([op("Add", "x c")], {"c": SCALAR(2)}),
    "weights-half": model([op("Add", "x c")], {"c": np.ones(9, np.float32)}),
    "channels-swapped": model([op("Conv", "x w")], {"w": np.ones((6, 4, 3, 3), np.float32)}),
    "kernel-transposed": model([op("Conv", "x w")], {"w": KERNEL[:, :, :1, :1]}),
    "bias-dropped": model([op("Conv", "x w b")], CONV | {"b": np.zeros(6, np.float32)}),
    "groups-exchanged": CONV2D,
    "padding-shifted": model([op("Conv", "x w", pads=[0, 0, 0, 0])], CONV),
    "dilation-ignored": CONV2D,
    "pool-counts-padding": model([op("AveragePool", kernel_shape=[2, 2])]),
    "relu6-as-relu": model([op("Clip", "x low high")], SIX | {"low": SCALAR(-1)}),
    "softmax-axis": model([op("Softmax", axis=1)], shape=(1, 9)),
    "half-pixel-flipped": model([op("Relu")]),
    "parts-exchanged": model([op("Concat", "x x", axis=1)]),
}


def run(faulty: Any, scale: float = 8.0) -> np.ndarray:
    from onnx.reference import ReferenceEvaluator

    shape = [axis.dim_value for axis in faulty.graph.input[0].type.tensor_type.shape.dim]
    x = scale * np.random.RandomState(7).randn(*shape).astype(np.float32)
    return np.asarray(ReferenceEvaluator(faulty).run(None, {"x": x})[0])


def copy_of(sound: Any) -> Any:
    return type(sound).FromString(sound.SerializeToString())


def test_every_kind_of_the_catalogue_can_be_planted_and_is_tried_here():
    kinds = {fault.kind for fault in faults.MODEL_FAULTS}
    assert kinds == set(planting.PLANTS) == set(APPLICABLE)
    assert {fault.kind for fault in faults.KERAS_FAULTS} == set(keras_faults.KINDS)


@pytest.mark.parametrize(
    ("kind", "sound"),
    [
        pytest.param(kind, sound, id=f"{kind}-{number}")
        for kind, found in APPLICABLE.items()
        for number, sound in enumerate(found)
    ],
)
def test_a_fault_changes_the_numbers_and_nothing_else(kind, sound):
    faulty = copy_of(sound)
    change = planting.plant(faulty, kind, "seed")
    assert change
    onnx.checker.check_model(faulty)
    before, after = run(sound), run(faulty)
    assert before.shape == after.shape
    assert np.isfinite(after).all()
    assert not np.array_equal(before, after)


@pytest.mark.parametrize("kind", NOT_APPLICABLE)
def test_where_a_fault_does_not_apply_nothing_is_touched(kind):
    sound = NOT_APPLICABLE[kind]
    faulty = copy_of(sound)
    assert planting.plant(faulty, kind, "seed") is None
    assert faulty == sound


@pytest.mark.parametrize("kind", APPLICABLE)
def test_the_same_seed_plants_the_same_fault(kind):
    one, other = copy_of(APPLICABLE[kind][0]), copy_of(APPLICABLE[kind][0])
    assert planting.plant(one, kind, "s") == planting.plant(other, kind, "s")
    assert one == other


def test_seeds_reach_different_tensors():
    changes = {planting.plant(copy_of(CONV2D), "weights-up-1%", str(seed)) for seed in range(8)}
    assert len(changes) == 2


@pytest.mark.parametrize("excess", ["0.01", "1e-05"])
def test_a_weight_tensor_is_scaled_by_as_much_as_is_asked_for(excess):
    faulty = copy_of(model([op("Conv", "x w")], {"w": KERNEL}))
    planting.plant(faulty, f"weights-scaled={excess}", "seed")
    scaled = numpy_helper.to_array(faulty.graph.initializer[0])
    np.testing.assert_allclose(scaled, KERNEL.astype(np.float64) * (1 + float(excess)), rtol=6e-8)
    assert not np.array_equal(scaled, KERNEL)


def test_an_ignored_dilation_is_a_convolution_without_one():
    """In the same window: as if the input had been cropped so that the undilated kernel meets the same rows."""
    faulty = copy_of(model([op("Conv", "x w", dilations=[3, 1])], {"w": KERNEL}))
    planting.plant(faulty, "dilation-ignored", "seed")
    plain = run(model([op("Conv", "x w")], {"w": KERNEL}))
    np.testing.assert_allclose(run(faulty), plain[:, :, 2:3], rtol=1e-4, atol=1e-4)


def test_the_approximated_gelu_is_the_one_by_tanh():
    half = {"half": SCALAR(0.5), "root": SCALAR(np.sqrt(0.5)), "one": SCALAR(1)}
    exact = [
        op("Mul", "x root", "u"),
        op("Erf", "u", "e"),
        op("Add", "e one", "s"),
        op("Mul", "x s", "p"),
        op("Mul", "p half"),
    ]
    faulty = model(exact, half)
    planting.plant(faulty, "gelu-exchanged", "seed")
    tanh = run(model([op("Gelu", approximate="tanh")], opset=20), scale=1.0)
    np.testing.assert_allclose(run(faulty, scale=1.0), tanh, atol=2e-6)
    assert np.abs(run(model(exact, half), scale=1.0) - tanh).max() > 1e-4
