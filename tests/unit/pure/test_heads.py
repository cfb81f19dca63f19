from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.evidence import Parity
from harness.manifests import Head
from harness.pure.heads import before, before_activation, hiding
from harness.records import Outcome, Record, Target
from harness.sources import Cut

LOGITS = np.random.RandomState(5).standard_normal((4, 7))


def softmax(logits):
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


ACTIVATIONS = {"Softmax": softmax, "Sigmoid": lambda logits: (1 + np.tanh(logits / 2)) / 2, "Tanh": np.tanh}


def ending(op):
    return (Head(output=0, op=op, before="dense/BiasAdd:0"),)


@pytest.mark.parametrize("op", ACTIVATIONS)
def test_a_head_hides_when_its_logits_are_large_and_not_before(op):
    heads = ending(op)
    assert hiding(heads, [[ACTIVATIONS[op](LOGITS)], [ACTIVATIONS[op](-LOGITS)]]) == ()
    assert hiding(heads, [[ACTIVATIONS[op](300 * LOGITS)], [ACTIVATIONS[op](-300 * LOGITS)]]) == heads


def test_many_classes_hide_nothing_although_most_of_them_are_near_zero():
    assert hiding(ending("Softmax"), [[softmax(np.random.RandomState(1).standard_normal((1, 1000)))]]) == ()


def test_what_is_compared_instead_is_what_the_heads_are_given():
    assert before(ending("Softmax"), 1) == Cut(outputs=("dense/BiasAdd:0",))


def test_an_output_without_a_head_stays_beside_one_that_has_one():
    """That the other one has an activation does not excuse a dead output."""
    assert before(ending("Softmax"), 3) == Cut(outputs=("dense/BiasAdd:0", "output_1:0", "output_2:0"))


def test_behind_what_scales_or_moves_a_head_is_always_looked_before():
    """Its values cannot be told from the output's."""
    moved = (replace(ending("Softmax")[0], direct=False),)
    assert hiding(moved, [[softmax(LOGITS)]]) == moved


def test_parts_of_very_unlike_scale_are_looked_at_apart():
    joint = ending("Concat")
    boxes, scores = 640 * np.abs(LOGITS), ACTIVATIONS["Sigmoid"](LOGITS)
    assert hiding(joint, [[np.concatenate([boxes, scores], axis=-1)]]) == joint
    assert hiding(joint, [[np.concatenate([LOGITS, scores], axis=-1)]]) == ()


PARITY = Parity(max_abs=1e-6, allowed=1e-5, margin=0.1, inputs=3, why="", worst_input="p", sensitivity=5e4)


def record(outcome, **more):
    return Record(case="c", route="onnx", target=Target(opencv="5.0.0"), outcome=outcome, parity=PARITY, **more)


def test_agreement_before_the_head_is_told_and_rescues_what_proved_nothing():
    found = before_activation(record(Outcome.OK), record(Outcome.OK), ending("Softmax"))
    assert [(shown.name, shown.held) for shown in found.properties] == [("before-head", True)]
    assert found.caveat is None
    vacuous = replace(record(Outcome.VACUOUS), parity=replace(PARITY, sensitivity=7.0))
    rescued = before_activation(vacuous, record(Outcome.OK), ending("Softmax"))
    assert (rescued.outcome, rescued.parity) == (Outcome.OK, PARITY)
    assert "vary between inputs by only 7 tolerances" in rescued.caveat


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.VACUOUS])
def test_a_difference_before_the_head_is_the_cells(outcome):
    wrong = record(Outcome.MISMATCH, message="off by 3", layer="dense")
    found = before_activation(record(outcome, reproduce="again"), wrong, ending("Sigmoid"))
    assert (found.outcome, found.layer, found.reproduce) == (Outcome.MISMATCH, "dense", "again")
    assert found.message == "before the last Sigmoid, which hides it: off by 3"
    assert [(shown.name, shown.held) for shown in found.properties] == [("before-head", False)]


def test_where_nothing_could_be_compared_before_the_head_an_ok_says_so():
    stuck = record(Outcome.IMPORT_ERROR)
    assert "hides most" in before_activation(record(Outcome.OK), stuck, ending("Tanh")).caveat
    assert before_activation(record(Outcome.VACUOUS), stuck, ending("Tanh")) == record(Outcome.VACUOUS)
