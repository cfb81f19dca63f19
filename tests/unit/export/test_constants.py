"""What depends on constants alone is worked out where grappler gives up, and nothing else is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.export.constants import evaluate_constants
from harness.export.passes.unused_nodes import drop_unused_nodes

tf: Any = pytest.importorskip("tensorflow")
cases: Any = pytest.importorskip("tests.unit.export.graph_cases")

TABLE = np.random.RandomState(0).randn(40, 8).astype(np.float32)
PLACES = np.random.RandomState(1).randint(0, 40, (64, 64))


def gathered(x: Any) -> Any:
    """A position bias of 128 KiB from a table of 1 KiB: more than grappler folds."""
    return x[0, 0, 0, 0] + tf.gather(tf.constant(TABLE), tf.constant(PLACES))


def broadcast(x: Any) -> Any:
    return x[0, 0, 0, :1] * tf.broadcast_to(tf.constant(TABLE[:1]), [4096, 8])


def parted(x: Any) -> Any:
    """Two results of one op, of which each is read."""
    left, right = tf.split(tf.gather(tf.constant(TABLE), tf.constant(PLACES)), 2, axis=-1)
    return left * x[0, 0, 0, 0] + tf.exp(right)


def evaluated(graph: Any) -> Any:
    return drop_unused_nodes(evaluate_constants(graph, ["output_0"]), ["x"], ["output_0"])


@pytest.mark.parametrize("body", [gathered, broadcast, parted])
def test_large_results_become_constants_and_change_no_number(body: Any) -> None:
    before = cases.drop_control_inputs(cases.folded(body))
    after = evaluated(before)
    known = {"GatherV2", "BroadcastTo", "Split", "Exp"}
    assert known & set(cases.ops(before))
    assert not known & set(cases.ops(after))
    cases.assert_same(*(cases.run(graph, "output_0", x=cases.VALUES) for graph in (before, after)))


@pytest.mark.parametrize(
    "body",
    [
        lambda x: x + 1,
        lambda x: x[0, 0, 0, 0] + tf.random.uniform([64, 64, 8], seed=1),
        lambda x: x[0, 0, 0, 0] + tf.broadcast_to(tf.constant(1.0), [1 << 23]),
    ],
    ids=["nothing to do", "not the same each time", "too large"],
)
def test_the_rest_stays_as_it_is(body: Any) -> None:
    graph = cases.drop_control_inputs(cases.folded(body))
    assert evaluate_constants(graph, ["output_0"]) is graph


def test_an_output_that_is_constant_stays_the_node_it_is() -> None:
    graph = cases.drop_control_inputs(cases.folded(lambda _: tf.gather(tf.constant(TABLE), tf.constant(PLACES))))
    after = evaluate_constants(graph, ["output_0"])
    assert [node.op for node in after.node if node.name == "output_0"] == [
        node.op for node in graph.node if node.name == "output_0"
    ]
