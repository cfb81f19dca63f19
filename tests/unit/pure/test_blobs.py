from __future__ import annotations

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.manifests import Layout, Port, TensorSpec
from harness.pictures import BlobParameters, Picture
from harness.pure.blobs import blob_parameters, encode, match_outputs, to_keras
from harness.pure.npy import loads


def port(layout: Layout, name: str = "x") -> Port:
    return Port(name=name, tensor=TensorSpec(name="x", shape=(1, 2, 3, 4)), layout=layout)


def test_nhwc_becomes_nchw_and_comes_back():
    value = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    sent = loads(bytes(encode(value, port(Layout.NCHW))))
    assert sent.shape == (1, 4, 2, 3)
    assert sent[0, 3, 1, 2] == value[0, 1, 2, 3]
    assert sent.flags.c_contiguous
    np.testing.assert_array_equal(to_keras(sent, port(Layout.NCHW)), value)


def test_as_keras_leaves_axes_alone_but_makes_them_contiguous():
    value = np.arange(24, dtype=np.int64).reshape(2, 3, 4).transpose(2, 0, 1)
    sent = loads(bytes(encode(value, port(Layout.AS_KERAS))))
    np.testing.assert_array_equal(sent, value)
    assert sent.dtype == np.int64
    assert to_keras(sent, port(Layout.AS_KERAS)) is sent


def test_a_scalar_stays_one():
    port = Port(name="x", tensor=TensorSpec(name="x", shape=()))
    assert loads(bytes(encode(np.array(3, np.int64), port))).shape == ()


def test_a_rank_that_does_not_fit_is_refused_on_the_way_in_and_kept_on_the_way_out():
    flat = np.zeros((2, 3), dtype=np.float32)
    with pytest.raises(HarnessError, match=r"'x'.*\(2, 3\)"):
        encode(flat, port(Layout.NCHW))
    assert to_keras(flat, port(Layout.NCHW)) is flat


def test_nothing_is_unpickled():
    with pytest.raises(ValueError, match="allow_pickle"):
        encode(np.array([{}]), port(Layout.AS_KERAS))


def test_a_picture_travels_as_pixels_with_its_parameters():
    picture = Picture(
        name="black",
        image=np.zeros((5, 7, 3), np.uint8),
        blob=BlobParameters(scale=0.5, mean=(1.0, 2.0, 3.0), swap_rb=True),
        keras_input=np.zeros((1, 5, 7, 3), np.float32),
    )
    assert loads(bytes(encode(picture, port(Layout.NCHW)))).shape == (5, 7, 3)
    expected = {"scale": 0.5, "mean": (1.0, 2.0, 3.0), "swap_rb": True, "axes": None}
    assert blob_parameters(picture, port(Layout.NCHW)) == expected
    assert blob_parameters(picture, port(Layout.AS_KERAS)) == expected | {"axes": (0, 2, 3, 1)}
    assert blob_parameters(np.zeros(3), port(Layout.NCHW)) is None


@pytest.mark.parametrize(
    ("wanted", "offered", "layers", "found"),
    [
        pytest.param("y", ["y"], [], "y", id="exact"),
        pytest.param("Identity:0", ["Identity"], [], "Identity", id="port-zero"),
        pytest.param("Identity", ["Identity:0"], [], "Identity:0", id="port-zero-at-opencv"),
        pytest.param("g0", ["onnx_node!g0"], [], "onnx_node!g0", id="node-prefix"),
        pytest.param("3", ["onnx_node_output_0!3"], [], "onnx_node_output_0!3", id="output-prefix"),
        pytest.param("y", ["onnx_node!y", "y"], [], "y", id="exact-before-decorated"),
        pytest.param("y", ["z"], ["y", "z"], "y", id="inner-layer"),
        pytest.param("y:1", ["y"], [], None, id="another-port"),
        pytest.param("y", ["onnx_node!y", "onnx_node_output_0!y"], [], None, id="ambiguous"),
        pytest.param("head/Softmax", ["Softmax"], [], None, id="likeness-is-not-enough"),
        pytest.param("y", [], [], None, id="nothing-offered"),
    ],
)
def test_outputs_are_found_by_name_alone(wanted, offered, layers, found):
    assert match_outputs([wanted], offered, layers) == [found]


def test_a_fused_and_renamed_output_is_taken_where_it_is_the_only_one():
    assert match_outputs(["y"], ["norm/mul_1"], [], renamed=True) == ["norm/mul_1"]
    assert match_outputs(["y"], ["norm/mul_1", "z"], [], renamed=True) == [None]
    assert match_outputs(["y", "z"], ["norm/mul_1"], [], renamed=True) == [None, None]


def test_outputs_come_in_the_order_they_were_exported():
    assert match_outputs(["b", "a"], ["a", "b"], []) == ["b", "a"]
