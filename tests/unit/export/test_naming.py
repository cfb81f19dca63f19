"""Names for graphs, and the way back from nodes to layers."""

from __future__ import annotations

import pytest

from harness.export import naming


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["input_1", "mask"], ("input_1", "mask")),
        (["serving_default_x:0"], ("serving_default_x_0",)),
        (["a/b", "a.b"], ("a_b", "a_b_1")),
        (["0"], ("input_0",)),
        (["", "--"], ("input_0", "input_1")),
        (["output_0"], ("input_output_0",)),
    ],
)
def test_clean_names_are_plain_and_unique(given, expected):
    assert naming.clean(given) == expected


@pytest.mark.parametrize(
    ("node", "layer"),
    [
        ("functional_1/conv2d_1/convolution", "conv2d_1"),
        ("functional_1/conv2d_1_2/convolution", "conv2d_1"),
        ("ConstantFolding/functional_1/conv2d_1/mul-folded", "conv2d_1"),
        ("functional_1/block/dense/MatMul", "dense"),
        ("sequential_1/conv2d_1/convolution__6", "conv2d_1"),
    ],
)
def test_the_deepest_scope_that_is_a_layer_wins(node, layer):
    assert naming.node_layers([node], ["conv2d_1", "block", "dense"]) == {node: layer}


def test_nodes_of_no_layer_are_left_out():
    assert naming.node_layers(["output_0/one"], ["dense"]) == {}
