"""Ops that OpenCV or the converters read wrongly, or not at all, written in terms of those they read: one file each.

A rule gives exactly what the op gives, in exact arithmetic; each is tested against TensorFlow in float64. It says which
message, assertion or wrong number it avoids. What a rule may do is described in `retracing.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.export.retracing import Rule
from harness.export.rules import (
    broadcasts,
    contractions,
    convolutions,
    integers,
    logic,
    reductions,
    repeats,
    resampling,
    reshapes,
    slices,
    special_functions,
    tanh,
    transposed_convolutions,
)


def _joined(*tables: Mapping[str, Rule]) -> Mapping[str, Rule]:
    """Join rules; where several are for one op, the first that has something to say is followed."""
    joined: dict[str, Rule] = {}
    for table in tables:
        for op, rule in table.items():
            joined[op] = _either(joined[op], rule) if op in joined else rule
    return joined


def _either(first: Rule, second: Rule) -> Rule:
    def rule(node: Any, inputs: Sequence[Any]) -> Any:
        made = first(node, inputs)
        return second(node, inputs) if made is None else made

    return rule


ONNX: Mapping[str, Rule] = _joined(
    contractions.RULES,
    convolutions.RULES,
    special_functions.RULES,
    logic.RULES,
    integers.RULES,
    slices.RULES,
    resampling.RULES,
    reductions.RULES,
    repeats.RULES,
    reshapes.RULES,
    transposed_convolutions.RULES,
    tanh.RULES,
    broadcasts.RULES,
)
"""For ONNX: against what tf2onnx cannot convert, and what OpenCV makes of what it converts."""
