"""Rewrites that make a folded GraphDef readable by OpenCV: one file, one reason, one rewrite.

A rewrite takes a GraphDef and returns a new one that computes exactly the same; each is tested against
TensorFlow. `sanitise` applies in order what ONNX needs as well, `for_opencv` what only the `.pb` importer does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.export.passes.control_inputs import drop_control_inputs
from harness.export.passes.identities import bypass_identities
from harness.export.passes.merged_bias import name_merged_biases
from harness.export.passes.merges import keep_apart
from harness.export.passes.output_names import name_outputs
from harness.export.passes.tensor_content import encode_constants
from harness.export.passes.unused_nodes import drop_unused_nodes


def sanitise(graph: Any, inputs: Sequence[str], outputs: Sequence[str], *, apart: bool = False) -> Any:
    """Apply the rewrites that every importer profits from. Inputs and outputs keep their names."""
    graph = drop_control_inputs(graph)
    graph = bypass_identities(graph, keep=(*inputs, *outputs))
    graph = name_outputs(graph, outputs, apart=apart)
    graph = drop_unused_nodes(graph, inputs, outputs)
    return encode_constants(graph)


def for_opencv(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """Apply all rewrites for `readNetFromTensorflow`; an output may lie in a node `NAME/BiasAdd` for TensorFlow."""
    graph = sanitise(graph, inputs, outputs, apart=True)
    graph = drop_unused_nodes(keep_apart(graph), inputs, outputs)
    graph = name_merged_biases(graph, outputs)
    return encode_constants(graph)
