"""A graph that is built anew keeps its names, and everything that no rule is for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.export.passes.control_inputs import drop_control_inputs
from harness.export.retracing import in_order, joined, retrace

tf: Any = pytest.importorskip("tensorflow")
cases: Any = pytest.importorskip("tests.unit.export.graph_cases")

KERNEL = np.random.RandomState(1).randn(2, 2, 5, 7).astype(np.float32)


def twice(_node: Any, inputs: Any) -> Any:
    """Relu in other words."""
    return tf.maximum(inputs[0], 0.0)


def nothing(_node: Any, _inputs: Any) -> None:
    """A rule that has nothing to say."""


def layered(x: Any) -> Any:
    with tf.name_scope("model/dense"):
        y = tf.nn.relu(x, name="activation")
    with tf.name_scope("model/other"):
        return tf.nn.relu(y * 2.0, name="activation") - 1.0


def several(x: Any) -> Any:
    """Outputs of a node that are used by their numbers, the last of them first."""
    first, second, third = tf.split(tf.nn.relu(x), [1, 1, 2], axis=2)
    values, places = tf.math.top_k(third, 2)
    return values[:, :, :1, :1] * second - first, tf.cast(places, tf.float32)


def convolved(x: Any) -> Any:
    image = tf.nn.conv2d(x, KERNEL, (2, 1), [[0, 0], [1, 2], [0, 3], [0, 0]], dilations=(1, 2))
    return tf.image.resize(tf.nn.leaky_relu(image, 0.3), (5, 6), "nearest")


def looped(x: Any) -> Any:
    def branch(y: Any) -> Any:
        return tf.cond(tf.reduce_sum(y) > 0, lambda: tf.tanh(y), lambda: y * 1.5)

    return tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, branch(y)), (tf.constant(0), tf.nn.relu(x)))[1]


def plain(body: Any, **options: Any) -> Any:
    return drop_control_inputs(cases.frozen(body, **options))


def same(before: Any, after: Any, *outputs: str) -> None:
    cases.assert_same(cases.run(before, *outputs), cases.run(after, *outputs))


def test_names_are_kept_also_of_what_was_replaced():
    graph = plain(layered)
    after = retrace(graph, {"Relu": twice})
    names = [node.name for node in after.node]
    assert {node.name for node in graph.node} <= set(names)
    assert len(names) == len(set(names))
    assert "Relu" not in cases.ops(after)
    assert cases.node(after, "model/dense/activation").op == "Identity"
    same(graph, after, "output_0", "model/dense/activation", "model/other/activation")


def test_what_a_rule_makes_is_named_below_the_node_it_stands_for():
    graph = plain(layered)
    old = {node.name for node in graph.node}
    made = [node.name for node in retrace(graph, {"Relu": twice}).node if node.name not in old]
    assert {name.partition("/as/")[0] for name in made} == {"model/dense/activation", "model/other/activation"}


@pytest.mark.parametrize("rules", [{}, {"Conv2D": nothing, "LeakyRelu": nothing}], ids=["no-rules", "silent-rules"])
@pytest.mark.parametrize("body", [layered, several, convolved, looped], ids=lambda body: body.__name__)
def test_what_has_no_rule_is_copied_as_it_is(body, rules):
    graph = plain(body, outputs=2 if body is several else 1)
    after = retrace(graph, rules)
    assert sorted(node.name for node in after.node) == sorted(node.name for node in graph.node)
    for old in graph.node:
        new = cases.node(after, old.name)
        assert (new.op, list(new.input)) == (old.op, [name.removesuffix(":0") for name in old.input])
        assert {key: value.SerializeToString(deterministic=True) for key, value in new.attr.items()} == {
            key: value.SerializeToString(deterministic=True) for key, value in old.attr.items()
        }


def test_nodes_of_several_results_are_read_by_number():
    graph = plain(several, outputs=2)
    after = retrace(graph, {"Relu": twice})
    same(graph, after, "output_0", "output_1")


def test_a_rule_may_give_several_results():
    def parts(_node: Any, inputs: Any) -> Any:
        return [inputs[0][:, :, :1], inputs[0][:, :, 1:2], inputs[0][:, :, 2:]]

    graph = plain(several, outputs=2)
    after = retrace(graph, {"SplitV": parts})
    assert "SplitV" not in cases.ops(after)
    same(graph, after, "output_0", "output_1")


def test_loops_and_branches_survive_with_their_functions():
    graph = plain(looped)
    after = retrace(graph, {"Relu": twice})
    assert {"StatelessWhile", "While"} & set(cases.ops(after))
    assert "Relu" not in cases.ops(after)
    functions = {function.signature.name: function for function in graph.library.function}
    assert functions
    assert {function.signature.name for function in after.library.function} == set(functions)
    same(graph, after, "output_0")


def test_the_order_of_the_nodes_does_not_matter():
    graph = plain(several, outputs=2)
    turned = type(graph)(versions=graph.versions, library=graph.library)
    turned.node.extend(reversed(graph.node))
    assert retrace(turned, {"Relu": twice}).node != graph.node
    same(graph, retrace(turned, {"Relu": twice}), "output_0", "output_1")
    names = [node.name for node in in_order(turned)]
    assert sorted(names) == sorted(node.name for node in graph.node)
    place = {name: index for index, name in enumerate(names)}
    for node in graph.node:
        assert all(place[name.partition(":")[0]] < place[node.name] for name in node.input)


def test_deep_graphs_are_ordered_without_recursion():
    def deep(x: Any) -> Any:
        for _ in range(1500):
            x = tf.negative(x)
        return x

    graph = plain(deep)
    turned = type(graph)(node=reversed(graph.node))
    assert [node.name for node in in_order(turned)][-1] == "output_0"


def test_versions_are_kept():
    graph = plain(layered)
    graph.versions.producer -= 100
    graph.versions.bad_consumers.append(7)
    assert retrace(graph, {"Relu": twice}).versions == graph.versions


def test_the_graph_given_stays_as_it_was():
    graph = plain(convolved)
    for node in graph.node:
        node.attr.pop("data_format", None)  # as other writers leave out what is the default
    before = graph.SerializeToString(deterministic=True)

    def asks(node: Any, _inputs: Any) -> None:
        assert node.attr["data_format"].s == b""

    after = retrace(graph, {"Conv2D": asks})
    assert graph.SerializeToString(deterministic=True) == before
    same(graph, after, "output_0")


def test_of_rules_for_one_op_the_first_that_says_something_is_followed():
    def negated(_node: Any, inputs: Any) -> Any:
        return -inputs[0]

    graph = plain(layered)
    joint = joined({"Relu": nothing, "Mul": nothing}, {"Relu": twice}, {"Relu": negated})
    same(graph, retrace(graph, joint), "output_0")
