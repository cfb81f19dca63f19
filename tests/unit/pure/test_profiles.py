from __future__ import annotations

import re

import numpy as np
import pytest

from harness.anatomy import Anatomy, Part
from harness.pure.profiles import profile, side_by_side, with_tensorflow


def anatomy(*chain, classes=None):
    """Layers one after another; a tuple stands for several that the next one takes from all."""
    parts, last = [], ()
    for names in chain:
        row = names if isinstance(names, tuple) else (names,)
        first = len(parts)
        for name in row:
            class_ = (classes or {}).get(name, name.rstrip("0123456789").capitalize())
            parts.append(Part(layer=name, class_=class_, config="", inputs=(), outputs=(), after=last))
        last = tuple(range(first, len(parts)))
    return Anatomy(parts=tuple(parts))


def profiled(steps, node_layers, kin, *, whole=None):
    """`steps`: name, type, milliseconds of every pass."""
    layers = [(name, type_) for name, type_, _ in steps]
    ms = np.array([[one for _, _, one in steps]] * 8)
    return profile(layers, ms, [whole or float(ms[0].sum())] * 8, node_layers, kin)


def rows(found):
    return [(row.layer, row.ms, row.fused_into) for row in found.layers]


def test_a_layer_has_the_time_of_all_its_steps():
    steps = [
        ("onnx_node!a/MatMul", "Gemm", 2.0),
        ("onnx_node!a/Relu", "ReLU", 0.5),
        ("onnx_node!b/Add", "Eltwise", 1.0),
    ]
    found = profiled(steps, {"a/MatMul": "a", "a/Relu": "a", "b/Add": "b"}, anatomy("a", "b"))
    assert rows(found) == [("a", 2.5, None), ("b", 1.0, None)]
    assert found.layers[0].steps == ("Gemm", "ReLU")
    assert (found.total_ms, found.forward_ms, found.note) == (3.5, 3.5, None)


def test_a_layer_without_a_tick_is_fused_into_the_one_before():
    steps = [("conv/Conv2D", "Convolution", 2.0), ("relu/Relu", "ReLU", 0.0), ("out", "Softmax", 1.0)]
    found = profiled(
        steps, {"conv/Conv2D": "conv", "relu/Relu": "relu", "out": "dense"}, anatomy("conv", "relu", "dense")
    )
    assert rows(found) == [("conv", 2.0, None), ("relu", 0.0, "conv"), ("dense", 1.0, None)]
    assert found.layers[0].fused == ("relu",)


def test_a_layer_that_opencv_does_not_even_list_is_fused_too():
    """As the new engine of OpenCV 5 does with activations and sums."""
    steps = [("conv1/C", "Conv2", 2.0), ("conv2/C", "Conv2", 3.0)]
    nodes = {"conv1/C": "conv1", "conv2/C": "conv2", "add/Add": "add"}
    found = profiled(steps, nodes, anatomy(("conv1", "conv2"), "add"))
    assert rows(found) == [("conv1", 2.0, None), ("conv2", 3.0, None), ("add", 0, "conv2")]


def test_padding_is_fused_into_what_comes_after_it():
    classes = {"pad": "ZeroPadding2D"}
    found = profiled(
        [("a/C", "Convolution", 1.0), ("b/C", "Convolution", 2.0)],
        {"a/C": "a", "b/C": "b", "pad/Pad": "pad"},
        anatomy("a", "pad", "b", classes=classes),
    )
    assert rows(found) == [("a", 1.0, None), ("pad", 0, "b"), ("b", 2.0, None)]


def test_a_convolution_that_tf2onnx_renamed_is_found_by_what_comes_after_it():
    """`Conv__81` is a convolution with the normalisation behind it folded into its weights."""
    kin = anatomy("conv1", "bn1", "conv2", "bn2", "relu", classes={"conv1": "Conv2D", "conv2": "DepthwiseConv2D"})
    steps = [("Conv__7", "Conv2", 1.0), ("Conv__81", "Conv2", 2.0), ("relu/Relu", "Clip", 0.5)]
    found = profiled(steps, {"relu/Relu": "relu"}, kin)
    assert rows(found) == [
        ("conv1", 1.0, None),
        ("bn1", 0, "conv1"),
        ("conv2", 2.0, None),
        ("bn2", 0, "conv2"),
        ("relu", 0.5, None),
    ]


def test_a_convolution_that_is_named_after_the_normalisation_in_it_is_the_convolutions():
    classes = {"conv": "Conv2D", "normal": "BatchNormalization"}
    steps = [("normal/add_1", "Convolution", 2.0), ("relu/Relu", "ReLU", 0.5)]
    found = profiled(
        steps, {"normal/add_1": "normal", "relu/Relu": "relu"}, anatomy("conv", "normal", "relu", classes=classes)
    )
    assert rows(found) == [("conv", 2.0, None), ("normal", 0, "conv"), ("relu", 0.5, None)]


def test_a_normalisation_that_became_a_convolution_keeps_its_time():
    classes = {"conv": "Conv2D", "normal": "BatchNormalization"}
    steps = [("conv/C", "Convolution", 2.0), ("pool/P", "Pooling", 1.0), ("normal/add_1", "Convolution", 0.5)]
    nodes = {"conv/C": "conv", "pool/P": "pool", "normal/add_1": "normal"}
    found = profiled(steps, nodes, anatomy("conv", "pool", "normal", classes=classes))
    assert rows(found) == [("conv", 2.0, None), ("pool", 1.0, None), ("normal", 0.5, None)]


def test_of_two_branches_the_later_step_is_the_later_layer():
    kin = anatomy(("left", "right"), "add", classes={"left": "Conv2D", "right": "Conv2D"})
    found = profiled([("Conv__1", "Conv2", 1.0), ("Conv__2", "Conv2", 2.0)], {"add/Add": "add"}, kin)
    assert rows(found) == [("left", 1.0, None), ("right", 2.0, None), ("add", 0, "right")]


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("trlayout.0", "TransformLayout"),
        ("flatten/Reshape/nhwc", "Permute"),
        ("flatten/Reshape__9", "Transpose"),
        ("const_fold_opt__138", "Const"),
    ],
)
def test_changes_of_layout_stand_apart_from_the_layers(name, type_):
    nodes = {"flatten/Reshape": "flatten", "flatten/Reshape__9": "flatten"}
    steps = [(name, type_, 1.0), ("flatten/Reshape", "Reshape", 0.5), (name, type_, 2.0)]
    found = profiled(steps, nodes, anatomy("flatten"))
    assert rows(found) == [("flatten", 0.5, None), (None, 3.0, None)]
    put_in = found.layers[1]
    assert (put_in.inserted, put_in.class_, put_in.steps) == (True, type_, (type_, type_))


def test_what_computes_and_belongs_to_no_layer_is_said_to():
    found = profiled([("a/C", "Convolution", 1.0), ("mystery", "Pooling", 2.0)], {"a/C": "a"}, anatomy("a"))
    assert [(row.layer, row.class_, row.inserted) for row in found.layers] == [
        ("a", "A", False),
        (None, "Pooling", False),
    ]
    assert found.total_ms == 3.0


def test_a_step_without_a_name_among_those_of_one_layer_is_that_layers():
    """As older opsets write the parts of a recurrent layer."""
    steps = [
        ("lstm/MatMul", "Gemm", 1.0),
        ("older__3", "NaryEltwise", 2.0),
        ("lstm/Tanh", "TanH", 4.0),
        ("older__4", "NaryEltwise", 8.0),
        ("dense/MatMul", "Gemm", 16.0),
    ]
    nodes = {"lstm/MatMul": "lstm", "lstm/Tanh": "lstm", "dense/MatMul": "dense"}
    assert rows(profiled(steps, nodes, anatomy("lstm", "dense"))) == [
        ("lstm", 7.0, None),
        ("dense", 16.0, None),
        (None, 8.0, None),
    ]


def test_names_that_opencv_adds_to_are_found_again():
    nodes = {"a/Relu;a/Conv2D": "a", "b/MatMul": "b"}
    steps = [
        ("a/Relu;a/Conv2D_pre", "Convolution", 1.0),
        ("a/Relu;a/Conv2D", "ReLU", 2.0),
        ("b/MatMul/activ", "Power", 4.0),
    ]
    assert rows(profiled(steps, nodes, anatomy("a", "b"))) == [("a", 3.0, None), ("b", 4.0, None)]


def test_without_keras_layers_the_rows_are_those_of_opencv():
    found = profiled([("onnx_node!c:0", "Convolution", 1.0), ("r", "ReLU", 0.0)], {}, Anatomy(parts=()))
    assert [(row.layer, row.class_, row.ms) for row in found.layers] == [("c", "Convolution", 1.0), ("r", "ReLU", 0.0)]


def test_passes_that_were_disturbed_do_not_count_and_the_sum_stays_the_whole():
    ms = np.array([[1.0, 2.0], [1.2, 2.0], [0.9, 2.1], [50.0, 2.0], [1.0, 80.0], [1.1, 2.0], [9.0, 2.1], [1.0, 2.2]])
    whole = [float(row.sum()) + 0.1 for row in ms]
    found = profile([("a", "A"), ("b", "B")], ms, whole, {"a": "a", "b": "b"}, anatomy("a", "b"))
    assert [row.ms for row in found.layers] == [pytest.approx(0.95), pytest.approx(2.05)]
    assert found.forward_ms == pytest.approx(found.total_ms + 0.1)


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        (1.0, None),
        (1.1, None),
        (1.2, r"0\.2 ms of a pass are spent around OpenCV's 2 layers, not in them.*1e\+02 µs each"),
        (0.8, r"add up to 0\.2 ms more than a whole pass took"),
    ],
)
def test_what_is_not_in_the_layers_is_told_of_beyond_a_tenth(whole, words):
    found = profiled([("a", "A", 0.5), ("b", "B", 0.5)], {"a": "a", "b": "b"}, anatomy("a", "b"), whole=whole)
    assert (found.note is None) == (words is None)
    assert words is None or re.search(words, found.note)


def test_two_profiles_are_joined_by_keras_name_what_changed_most_first():
    old = profiled(
        [("a/x", "A", 1.0), ("b/y", "B", 5.0), ("t", "Permute", 0.5)], {"a/x": "a", "b/y": "b"}, anatomy("a", "b")
    )
    new = profiled([("n!a/x", "A2", 4.0), ("b/y", "B2", 5.5)], {"n!a/x": "a", "b/y": "b"}, anatomy("a", "b"))
    pairs = side_by_side(old, new)
    assert [(pair.layer, pair.kind, pair.before_ms, pair.after_ms) for pair in pairs] == [
        ("a", "A", 1.0, 4.0),
        ("b", "B", 5.0, 5.5),
        (None, "Permute", 0.5, None),
    ]
    assert [pair.change_ms for pair in pairs] == [3.0, 0.5, -0.5]


def test_tensorflows_times_go_to_the_layers_of_their_names():
    found = profiled([("a", "A", 1.0), ("b", "B", 5.0), ("t", "Permute", 0.5)], {"a": "a", "b": "b"}, anatomy("a", "b"))
    assert [row.tensorflow_ms for row in with_tensorflow(found, {"a": 0.25, "t": 9.0}).layers] == [0.25, None, None]
