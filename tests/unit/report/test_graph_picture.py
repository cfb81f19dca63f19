from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from harness.evidence import Node
from harness.records import LayerVerdict, Outcome, Record, Target
from harness.report.graph_picture import collapsed, lanes_of, picture, steps_of


def chain(length: int) -> tuple[Node, ...]:
    return tuple(
        Node(layer=f"l{place}", class_="Dense", after=(place - 1,) if place else ()) for place in range(length)
    )


def verdicts(nodes, wrong=()) -> tuple[LayerVerdict, ...]:
    outcome = {True: Outcome.UNSUPPORTED_OP, False: Outcome.OK}
    return tuple(LayerVerdict(name=node.layer, class_="Dense", outcome=outcome[node.layer in wrong]) for node in nodes)


def record_of(nodes) -> Record:
    return Record(case="a", route="onnx", target=Target(opencv="5.0.0.93"), outcome=Outcome.OK, graph=nodes)


def texts(drawn) -> str:
    return "\n".join(ET.fromstring(str(drawn)).itertext())


@st.composite
def graphs(draw) -> tuple[Node, ...]:
    """Any graph whose nodes come after those that they take tensors from."""
    length = draw(st.integers(1, 80))
    return tuple(
        Node(
            layer=f"l{place}",
            class_="Dense",
            after=tuple(sorted(draw(st.sets(st.integers(0, place - 1), max_size=3)))) if place else (),
        )
        for place in range(length)
    )


def test_a_record_without_a_graph_has_no_picture(samples):
    assert picture(samples.record()) is None


def test_the_culprit_is_marked_in_words_and_colour(samples):
    nodes = chain(5)
    record = samples.record(layer="l3", outcome=Outcome.UNSUPPORTED_OP, graph=nodes, layers=verdicts(nodes, {"l3"}))
    drawn = picture(record)
    assert "l3  Dense  unsupported-op  ◀ to blame" in texts(drawn)
    assert texts(drawn).count("to blame") == 1
    groups = [node.get("class") for node in ET.fromstring(str(drawn)).iter("g")]
    assert groups.count("o-unsupported-op culprit") == 1


def test_where_no_layer_was_run_alone_the_culprit_has_the_networks_outcome(samples):
    drawn = picture(samples.record(layer="l3", outcome=Outcome.MISMATCH, graph=chain(5)))
    assert "l3  Dense  mismatch  ◀ to blame" in texts(drawn)
    assert "l2  Dense\n" in texts(drawn)


def test_two_hundred_layers_stay_readable_and_what_fails_is_among_them(samples):
    nodes = chain(200)
    record = samples.record(graph=nodes, layers=verdicts(nodes, {"l120"}), layer="l120", outcome=Outcome.UNSUPPORTED_OP)
    steps = collapsed(steps_of(record))
    assert len(steps) < 12
    assert sum(step.count for step in steps) == 200
    assert [step.label.split()[0] for step in steps if step.culprit] == ["l120"]
    assert "layers, all ok" in texts(picture(record))


def test_branches_of_a_long_network_are_kept(samples):
    nodes = list(chain(60))
    nodes[40] = replace(nodes[40], after=(20, 39))
    steps = collapsed(steps_of(samples.record(graph=tuple(nodes), layers=verdicts(nodes))))
    labels = [step.label.split()[0] for step in steps]
    assert {"l20", "l40"} <= set(labels)
    assert len(steps[labels.index("l40")].after) == 2


def test_layers_that_compute_alike_share_a_verdict(samples):
    nodes = chain(2)
    alike = LayerVerdict(name="l0", class_="Dense", outcome=Outcome.CRASH, like=("l1",))
    assert [step.outcome for step in steps_of(samples.record(graph=nodes, layers=(alike,)))] == [Outcome.CRASH] * 2


@given(graphs())
def test_a_line_never_runs_through_another_layer(nodes):
    steps = collapsed(steps_of(record_of(nodes)))
    lanes = lanes_of(steps)
    for place, step in enumerate(steps):
        for before in step.after:
            assert before < place
            assert all(lanes[between] != lanes[before] for between in range(before + 1, place))


@given(graphs())
def test_no_layer_is_lost_when_runs_are_joined(nodes):
    steps = collapsed(steps_of(record_of(nodes)))
    assert sum(step.count for step in steps) == len(nodes)


def test_hostile_names_stay_text(samples):
    drawn = picture(samples.hostile_record())
    tags = {node.tag for node in ET.fromstring(str(drawn)).iter()}
    assert tags <= {"svg", "g", "rect", "text", "path"}
    drawn.encode("utf-8")
