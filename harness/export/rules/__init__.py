"""Ops that OpenCV or the converters read wrongly, or not at all, written in terms of those they read: one file each.

A rule gives exactly what the op gives, in exact arithmetic; each is tested against TensorFlow in float64. It says which
message, assertion or wrong number it avoids. What a rule may do is described in `retracing.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.export.retracing import Rule, joined
from harness.export.rules import (
    accumulations,
    broadcasts,
    colours,
    contractions,
    convolutions,
    dilations,
    gathers,
    integers,
    logic,
    patches,
    reductions,
    repeats,
    resampling,
    reshapes,
    segments,
    slices,
    softplus,
    special_functions,
    spectra,
    tanh,
    transposed_convolutions,
    updates,
    volumes,
    whole_numbers,
)

ONNX: Mapping[str, Rule] = joined(
    dilations.RULES,
    contractions.RULES,
    convolutions.RULES,
    special_functions.RULES,
    spectra.RULES,
    colours.RULES,
    accumulations.RULES,
    segments.RULES,
    updates.RULES,
    patches.RULES,
    gathers.RULES,
    logic.RULES,
    integers.RULES,
    slices.RULES,
    resampling.RULES,
    reductions.RULES,
    repeats.RULES,
    reshapes.RULES,
    transposed_convolutions.RULES,
    tanh.RULES,
    softplus.RULES,
    broadcasts.RULES,
)
"""For ONNX: against what tf2onnx cannot convert, and what OpenCV makes of what it converts."""

ONNX_OLDER: Mapping[str, Rule] = joined(volumes.RULES, whole_numbers.RULES, ONNX)
"""For the older opsets, which are tried for OpenCV 4: without what only OpenCV 5 can compute."""

LAST_OLDER_OPSET = 11


def for_opset(opset: int) -> Mapping[str, Rule]:
    """Return the rules for an ONNX opset."""
    return ONNX_OLDER if opset <= LAST_OLDER_OPSET else ONNX


PB: Mapping[str, Rule] = joined(
    {"SelectV2": logic.RULES["SelectV2"]},
    dilations.RULES,
    contractions.RULES,
    special_functions.RULES,
    accumulations.RULES,
    updates.RULES,
    patches.RULES,
    gathers.RULES,
    slices.RULES,
    resampling.RULES,
    repeats.RULES,
    transposed_convolutions.RULES,
    convolutions.RULES,
    tanh.RULES,
    softplus.RULES,
    broadcasts.RULES,
)
"""For `.pb`, before the rules in `pb/`: what is not a matter of layouts."""
