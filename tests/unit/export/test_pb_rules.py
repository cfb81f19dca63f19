"""Each rule for the `.pb` importer is followed, changes no number, and writes only what the importer reads rightly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

from harness.export.rules import pb
from harness.export.rules.pb.shapes import reshaped

tf: Any = pytest.importorskip("tensorflow")
cases: Any = pytest.importorskip("tests.unit.export.graph_cases")
tables: Any = pytest.importorskip("tests.unit.export.rule_cases.pb")

THEMES = sorted(module.name for module in iter_modules(pb.__path__))
CASES = {theme: import_module(f"{tables.__name__}.{theme}") for theme in THEMES}
FOLLOWED = [(theme, case) for theme, module in CASES.items() for case in module.CASES]
LEFT_ALONE = [(theme, case) for theme, module in CASES.items() for case in module.LEFT_ALONE]
ELEMENTWISE = frozenset({"Add", "AddV2", "Sub", "Mul", "RealDiv"})


class Spied:
    """A theme's own rule; counts what it was asked and what it wrote."""

    def __init__(self, theme: str, op: str) -> None:
        self.asked = self.wrote = 0
        self._own = import_module(f"{pb.__name__}.{theme}").RULES[op]

    def __call__(self, node: Any, inputs: Sequence[Any]) -> Any:
        self.asked += 1
        made = self._own(node, inputs)
        self.wrote += made is not None
        return made


def named(entries: Sequence[Any]) -> list[Any]:
    return [pytest.param(*entry, id=f"{entry[0]}/{entry[1].op}-{entry[1].name}") for entry in entries]


def misread(graph: Any) -> Iterator[str]:
    """Tell what of a graph the importer would read as another thing, or not at all; `rules/pb/` says why."""
    with tf.Graph().as_default() as holder:
        tf.graph_util.import_graph_def(graph, name="")
    for operation in holder.get_operations():
        complaint = _complaint(operation)
        if complaint:
            yield f"{operation.name}: {operation.type} {complaint}"


def _complaint(operation: Any) -> str | None:
    sources = [tensor.op for tensor in operation.inputs]
    shapes = [tensor.shape.as_list() for tensor in operation.inputs]
    match operation.type:
        case "Pack" | "Unpack" | "Split" | "SplitV" | "GatherV2" | "BatchMatMulV2" | "BatchMatMulV3":
            return "is not known"
        case "ReverseV2" | "BiasAdd" | "SelectV2" | "SquaredDifference" | "Neg" | "Rsqrt" | "Min":
            return "is not known, or means another thing here"
        case "Transpose" if len(shapes[0]) == 4:
            return "turns four axes"
        case "Reshape":
            return _complaint_of_reshape(sources[0], shapes[0], operation.outputs[0].shape.as_list())
        case "StridedSlice":
            masks = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
            ends = operation.get_attr("begin_mask") | operation.get_attr("end_mask")
            given = [mask for mask in masks[2:] if operation.get_attr(f"{mask}_mask")] + ["ends"] * bool(ends)
            return f"has masks: {given}" if given else None
        case "MatMul" if operation.get_attr("transpose_a") or operation.get_attr("transpose_b"):
            return "is transposed"
        case "Mean" | "Sum" | "Max":
            axes = tf.get_static_value(operation.inputs[1]).tolist()
            plain = len(shapes[0]) == 4 and axes == [1, 2] and operation.get_attr("keep_dims")
            return None if plain else f"goes along {axes}"
        case "Conv2D" | "DepthwiseConv2dNative" if set(operation.get_attr("dilations")) != {1}:
            return "is dilated"
        case op if op in ELEMENTWISE:
            return _complaint_of_arithmetic(op, sources, shapes)
    return None


def _complaint_of_reshape(source: Any, old: list[int], new: list[int]) -> str | None:
    if len(new) == 4 and len(old) != 4 and new[:3] != [1, 1, 1]:
        return f"makes an image {new} of {old} in one step"
    if len(new) == 4 and new[:2] == [1, 1] and 1 not in new[2:]:
        return f"makes a row {new}"
    while source.type == "Identity":
        source = source.inputs[0].op
    if len(old) == 4 and source.type in {"Reshape", "ExpandDims"}:
        return "reads an image that is only reshaped"
    return None


def _complaint_of_arithmetic(op: str, sources: list[Any], shapes: list[list[int]]) -> str | None:
    constants = [source.type == "Const" for source in sources]
    if not any(constants):
        return None if len(shapes[0]) == len(shapes[1]) else f"joins ranks: {shapes}"
    if op in {"Sub", "RealDiv"}:
        return "has a constant"
    constant, other = shapes if constants[0] else shapes[::-1]
    if not constant:
        return None
    if len(constant) != 1 or constant[0] != other[-1]:
        return f"has a constant of {constant} for {other}"
    if len(other) not in {2, 4} and op != "Mul":
        return None if sources[constants.index(False)].type == "Mul" and op == "Add" else "would not say the axis"
    return None


@pytest.mark.parametrize(("theme", "case"), named(FOLLOWED))
def test_the_rule_is_followed_and_changes_no_number(theme: str, case: Any) -> None:
    before, spied = case.plain(), Spied(theme, case.op)
    after = cases.retraced(before, {**pb.RULES, case.op: spied})
    assert spied.wrote == spied.asked > 0, f"the rule was asked {spied.asked} times and wrote {spied.wrote}"
    after = cases.retraced(before, pb.RULES)
    assert not list(misread(after))
    found = cases.ops(after)
    assert not set(case.lacks or ()) & set(found), found
    assert {op: found.count(op) for op, _ in case.has} == dict(case.has), found
    outputs, feeds = [node.name for node in before.node if node.name.startswith("output_")], case.feeds()
    run = cases.run_compiled if case.compiled else cases.run
    cases.assert_same(run(before, *outputs, **feeds), run(after, *outputs, **feeds))


@pytest.mark.parametrize(("theme", "case"), named(LEFT_ALONE))
def test_the_rule_leaves_alone_what_it_cannot_write(theme: str, case: Any) -> None:
    spied = Spied(theme, case.op)
    cases.retraced(case.plain(), {case.op: spied})
    assert spied.asked
    assert not spied.wrote


@pytest.mark.parametrize("op", sorted(pb.RULES))
def test_every_op_with_a_rule_has_a_case(op: str) -> None:
    themes = {theme for theme in THEMES if op in import_module(f"{pb.__name__}.{theme}").RULES}
    assert themes
    assert themes == {theme for theme, case in FOLLOWED if case.op == op}


def test_every_theme_is_joined() -> None:
    assert set(pb.RULES) == {op for theme in THEMES for op in import_module(f"{pb.__name__}.{theme}").RULES}


def looks_like_a_row(x: Any) -> Any:
    """Pieces of the same size as x, none of which is the first of two that hold the same."""
    flat = tf.reshape(x, (1, 12))
    joined = [tf.concat(parts, axis) for parts, axis in (([x, x], 1), ([flat] * 2, 1), ([flat] * 3, 1), ([x, x], 0))]
    inner, twice, thrice, below = zip(joined, ((4, 6), (1, 2, 3, 4), (1, 2, 3, 6), (4, 6)), strict=True)
    return [
        tf.slice(tf.reshape(*inner), (0, 0), (2, 6)),
        tf.slice(tf.reshape(*twice), (0, 0, 0, 0), (1, 2, 3, 2)),
        tf.slice(tf.reshape(*twice), (0, 0, 0, 0), (1, 2, 2, 3)),
        tf.slice(tf.reshape(*thrice), (0, 0, 0, 0), (1, 2, 3, 2)),
        tf.slice(tf.reshape(*below), (1, 0), (2, 6)),
    ]


def test_only_the_detour_to_a_row_is_undone() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.constant(list(range(12)), tf.float32, (2, 6))
        row = reshaped(x, (1, 1, 3, 4))
        assert reshaped(row, (2, 6)) is x
        pieces = [(tf.reshape(piece, (4, 3)), reshaped(piece, (4, 3))) for piece in looks_like_a_row(x)]
    with tf.compat.v1.Session(graph=graph) as session:
        for found in session.run(pieces):
            cases.assert_same(found[:1], found[1:])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda x: tf.raw_ops.BatchMatMulV2(x=x, y=x, adj_y=True), id="a-rule-is-missed"),
        pytest.param(lambda x: tf.transpose(x, (0, 2, 1, 3)), id="four-axes"),
        pytest.param(lambda x: tf.reshape(tf.reshape(x, (1, 1, 1, 60)), (1, 1, 12, 5)), id="row"),
        pytest.param(lambda x: tf.reshape(tf.reshape(x, (60,)), (1, 3, 4, 5)), id="image-in-one-step"),
        pytest.param(lambda x: tf.reshape(tf.reshape(x, (1, 5, 4, 3)), (60,)), id="image-that-is-only-reshaped"),
        pytest.param(lambda x: x[:, 1:], id="masks"),
        pytest.param(lambda x: tf.reduce_mean(x, (1, 2)), id="mean-without-axes"),
        pytest.param(lambda x: 1 - x, id="constant-before"),
        pytest.param(lambda x: tf.reshape(x, (3, 4, 5)) + tf.ones(5, x.dtype), id="vector-for-three-axes"),
        pytest.param(lambda x: x + tf.ones((4, 1), x.dtype), id="constant-of-two-axes"),
        pytest.param(lambda x: tf.reshape(x, (3, 4, 5)) * tf.nn.relu(x), id="ranks"),
    ],
)
def test_what_is_misread_is_told(body: Any) -> None:
    assert list(misread(cases.RuleCase(name="x", op="x", body=body, specs=(cases.X,)).plain()))
