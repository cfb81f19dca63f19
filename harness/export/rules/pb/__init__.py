"""Rules for the `.pb` importer alone: what its parsers take for another thing, or not at all."""

from __future__ import annotations

from collections.abc import Mapping

from harness.export.retracing import Rule, joined
from harness.export.rules.pb import arithmetic, choices, dilations, products, reductions, rows, shapes

RULES: Mapping[str, Rule] = joined(
    rows.RULES, dilations.RULES, shapes.RULES, arithmetic.RULES, reductions.RULES, products.RULES, choices.RULES
)
