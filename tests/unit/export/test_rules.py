"""Each rule is followed where it should be, and computes in TensorFlow what was computed before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pytest

from harness.export import rules
from harness.export.rules.contractions import contract

tf: Any = pytest.importorskip("tensorflow")
cases: Any = pytest.importorskip("tests.unit.export.graph_cases")
tables: Any = pytest.importorskip("tests.unit.export.rule_cases")

THEMES = sorted(module.name for module in iter_modules(rules.__path__) if not module.ispkg)
TABLES = {module.name for module in iter_modules(tables.__path__)}
CASES = {theme: import_module(f"{tables.__name__}.{theme}") for theme in THEMES if theme in TABLES}
FOLLOWED = [(theme, case) for theme, module in CASES.items() for case in module.CASES]
LEFT_ALONE = [(theme, case) for theme, module in CASES.items() for case in getattr(module, "LEFT_ALONE", [])]


class Spied:
    """A theme's own rule, before the others for the same op; counts what it was asked and what it wrote."""

    def __init__(self, theme: str, op: str) -> None:
        self.asked = self.wrote = 0
        self._own = import_module(f"harness.export.rules.{theme}").RULES[op]
        self._others = rules.ONNX_OLDER.get(op, self._own)

    def __call__(self, node: Any, inputs: Sequence[Any]) -> Any:
        self.asked += 1
        made = self._own(node, inputs)
        self.wrote += made is not None
        return self._others(node, inputs) if made is None else made


def named(entries: Sequence[Any]) -> list[Any]:
    return [pytest.param(*entry, id=f"{entry[0]}/{entry[1].op}-{entry[1].name}") for entry in entries]


@pytest.mark.parametrize(("theme", "case"), named(FOLLOWED))
def test_the_rule_is_followed_and_changes_no_number(theme: str, case: Any) -> None:
    before, spied = case.graph(), Spied(theme, case.op)
    after = cases.retraced(before, {**rules.ONNX_OLDER, case.op: spied})
    assert spied.wrote, f"the rule was asked {spied.asked} times: {cases.ops(before)}"
    found = Counter(cases.ops(after))
    assert not {case.op} & set(found) if case.lacks is None else not set(case.lacks) & set(found), found
    assert {op: found[op] for op, _ in case.has} == dict(case.has), found
    outputs, feeds = [name for name in (n.name for n in after.node) if name.startswith("output_")], case.feeds()
    run = cases.run_compiled if case.compiled else cases.run
    cases.assert_same(run(before, *outputs, **feeds), run(after, *outputs, **feeds))


@pytest.mark.parametrize(("theme", "case"), named(LEFT_ALONE))
def test_the_rule_leaves_alone_what_it_cannot_write(theme: str, case: Any) -> None:
    spied = Spied(theme, case.op)
    cases.retraced(case.graph(), {case.op: spied})
    assert spied.asked
    assert not spied.wrote


@pytest.mark.parametrize("theme", THEMES)
def test_every_op_of_a_theme_has_a_case(theme: str) -> None:
    ops = set(import_module(f"harness.export.rules.{theme}").RULES)
    assert {case.op for of, case in FOLLOWED if of == theme} == ops


@pytest.mark.parametrize("op", sorted(rules.ONNX_OLDER))
def test_every_op_with_a_rule_has_a_case(op: str) -> None:
    assert any(case.op == op for _, case in FOLLOWED)


def test_every_theme_is_joined() -> None:
    ops = {op for theme in THEMES for op in import_module(f"harness.export.rules.{theme}").RULES}
    assert set(rules.ONNX_OLDER) <= ops <= {*rules.ONNX_OLDER, *rules.PB}


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [("ij,jk", [(2, 3), (3, 4)]), ("zb,ba", [(2, 3), (3, 4)]), ("...ij,...jk", [(2, 5, 3, 4), (2, 5, 4, 6)])],
)
def test_an_equation_without_a_result_is_read_as_numpy_does(equation: str, shapes: Any) -> None:
    operands = [np.random.RandomState(seed).randn(*shape) for seed, shape in enumerate(shapes)]
    cases.assert_same([np.einsum(equation, *operands)], [contract(equation, *map(tf.constant, operands)).numpy()])


@pytest.mark.parametrize(
    ("image", "kernel", "taps"),
    [
        ((1, 7, 3), (3, 3, 3, 4), [1, 3]),
        ((7, 1, 3), (3, 3, 3, 4), [3, 1]),
        ((1, 1, 3), (3, 3, 3, 4), [1, 1]),
        ((1, 7, 3), (3, 3, 1, 6), [1, 3]),  # by channel
        ((1, 7, 3), (5, 9, 3, 4), [1, 10]),  # OpenCV 5 takes nine in a row for 3 x 3
        ((7, 1, 3), (9, 5, 3, 4), [10, 1]),
    ],
)
def test_of_a_kernel_on_a_thin_image_those_taps_are_left_that_count(image: Any, kernel: Any, taps: Any) -> None:
    spec = cases.TensorSpec(name="x", shape=(1, *image))
    graph = cases.folded(lambda x: tf.nn.conv2d(x, tf.ones(kernel), 1, "SAME"), spec=spec)
    after = cases.retraced(cases.drop_control_inputs(graph), rules.ONNX)
    (node,) = (node for node in after.node if node.op in {"Conv2D", "DepthwiseConv2dNative"})
    assert list(tf.make_ndarray(cases.node(after, node.input[1]).attr["value"].tensor).shape[:2]) == taps
