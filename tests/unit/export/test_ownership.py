"""Nodes go back to the layers that made them, through what optimisers and converters do to names."""

from __future__ import annotations

import pytest

from harness.export.ownership import Owners

OWNERS = Owners(
    {
        "net_1/conv2d_1/convolution": "conv2d",
        "net_1/conv2d_1/BiasAdd": "conv2d",
        "net_1/conv2d_1_2/convolution": "conv2d_1",
        "net_1/block_1/dense_1/MatMul": "dense",
        "net_1/block_1/add": "block",
        "output_0": "dense",
    }
)


@pytest.mark.parametrize(
    ("node", "layer"),
    [
        ("net_1/conv2d_1/convolution", "conv2d"),
        ("net_1/conv2d_1/convolution/merged_input", "conv2d"),
        ("net_1/conv2d_1_2/convolution__6", "conv2d_1"),
        ("ConstantFolding/net_1/conv2d_1_2/mul-folded", "conv2d_1"),
        ("StatefulPartitionedCall/net_1/block_1/dense_1/MatMul", "dense"),
        ("net_1/block_1/add", "block"),
        ("net_1/conv2d_1/Relu;net_1/conv2d_1_2/convolution", "conv2d"),
        ("output_0", "dense"),
    ],
)
def test_the_layer_that_made_a_node_is_found(node, layer):
    assert OWNERS.layers_of([node]) == {node: layer}


@pytest.mark.parametrize("node", ["net_1/unknown", "net_1", "x", "net_1/block_1/else"])
def test_nodes_of_no_single_layer_are_left_out(node):
    assert OWNERS.layers_of([node]) == {}
