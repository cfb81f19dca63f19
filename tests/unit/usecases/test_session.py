from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from onnx import helper

from harness.effects import fingerprint
from harness.effects.artifacts import StoreError
from harness.effects.claims import expectation_files
from harness.effects.config import settle
from harness.encoding import to_json
from harness.errors import EnvironmentFailedError, ExportFailedError, ModelRejectedError, UsageError
from harness.manifests import ModelInfo
from harness.pure.expectations import exactly, holds
from harness.pure.inputs import PROBES, InputPlan
from harness.records import Judgement, Outcome, Record
from harness.routes import all_routes
from harness.usecases.session import Plan, Session, cell_id

TWICE = [helper.make_node("Add", ["x", "x"], ["y"], name="model/twice/Add")]
UNKNOWN = [helper.make_node("Foo", ["x"], ["y"], name="model/foo/Foo")]
MODULE = """
from harness.cases import Case, Tier
from harness.manifests import TensorSpec
def build(): raise AssertionError("nothing may be built: the store has it all")
X = TensorSpec(name="x", shape=(1, 3, 5, 7))
def case(id, **more): return Case(id=id, build=build, inputs=(X,), module=__name__, **more)
CASES = (case("nets/a"), case("nets/b"), case("nets/c", tier=Tier.FULL), case("nets/odd"))
MISSING = case("nets/far", requires=("no_such_package_anywhere",))
CASES += (MISSING,)
"""
MATH = {"nets/a": (TWICE, 2.0), "nets/b": (TWICE, 2.0), "nets/c": (TWICE, 2.5), "nets/odd": (UNKNOWN, 1.0)}
"""Case id -> the network that was exported, and what it should multiply by."""

OTHER_OPSETS = [[f"opset {opset}"] for opset in all_routes()["onnx"].opsets[1:]]
"""What the keys of artifacts at these opsets have besides; those at the default opset have nothing."""


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    (tmp_path / "zoo_of_sessions.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "zoo_of_sessions"
    sys.modules.pop("zoo_of_sessions", None)


@pytest.fixture
def settings(tmp_path, zoo):
    options = {"zoo": zoo, "store": str(tmp_path / "store"), "route": "onnx", "draws": 0, "jobs": 2, "repeats": 1}
    return settle(options, start=tmp_path, environ={})


@pytest.fixture
def session(settings):
    with Session(settings) as session:
        yield session


@pytest.fixture
def warm(session, shelf) -> Session:
    """A session whose store has every artifact and reference of the zoo."""
    for cell in session.plan_zoo("full").cells:
        nodes, factor = MATH[cell.subject.id]
        path = shelf.file("model", nodes, ["x"], ["y"]).source.location
        manifest = shelf.manifest(["x"], ["y"], route="onnx")
        for more in ([], *OTHER_OPSETS):
            shelf.artifact(cell.subject, Path(path).read_bytes(), manifest, *more)
        shelf.references(cell.subject, manifest, lambda x, by=factor: [x * by])
        shelf.failure("anatomy", shelf.key(cell.subject), ExportFailedError("there are no layers to blame"))
    return session


def ran(session: Session, plan: Plan) -> dict[str, Record]:
    records: list[Record] = []
    session.run(plan.cells, records.append)
    assert len(records) == len(plan.cells)
    return {record.case: record for record in records}


# -- planning ---------------------------------------------------------------------------------------------------------


def test_a_plan_names_every_cell_and_what_cannot_be_tried(session):
    plan = session.plan_zoo("core")
    assert [cell.case for cell in plan.ids] == ["nets/a", "nets/b", "nets/odd"]
    assert {cell.route for cell in plan.ids} == {"onnx"}
    assert plan.left_out == (("nets/far", "needs no_such_package_anywhere"),)
    assert plan.cells[0].target.opencv.split(".")[0] in {"4", "5"}
    assert cell_id(plan.cells[0]) == plan.ids[0]


def test_without_a_route_in_the_settings_all_are_taken(session):
    with session.using(replace(session.settings, route=())):
        plan = session.plan_zoo("nets/a")
    assert [cell.route for cell in plan.cells] == [name for name in all_routes() if name != "as-is"]
    quick = list(session.cells(plan.cells[0].subject, quick=True))
    assert [cell.route for cell in quick] == ["onnx"]


def test_the_quick_way_leaves_out_routes_with_a_converter_of_their_own(session):
    (subject,) = {cell.subject for cell in session.plan_zoo("nets/a").cells}
    with session.using(replace(session.settings, route=())):
        quick = {cell.route for cell in session.cells(subject, quick=True)}
    assert quick == {name for name, route in all_routes().items() if route.quick and name != "as-is"}
    assert session.settings.route == ("onnx",)


def test_a_run_of_nothing_but_missing_packages_is_refused(session):
    with pytest.raises(UsageError, match=r"nothing to run: nets/far needs no_such_package_anywhere"):
        session.plan_zoo("nets/far")


def test_an_opencv_that_is_none_is_refused_before_anything_runs(session, tmp_path):
    for asked, complaint in (("newest", "is no OpenCV to run on"), (f"path:{tmp_path}/no", "is no executable")):
        with session.using(replace(session.settings, opencv=(asked,))), pytest.raises(UsageError, match=complaint):
            session.plan_zoo("core")


def test_models_are_known_by_the_store_and_the_others_that_can_be_built_are_named(session, shelf):
    subject = session.plan_zoo("nets/a").cells[0].subject
    info = ModelInfo(
        inputs=(), outputs=(), parameters=7, layers=(), weights_digest="w", structure_digest="s", kind="sequential"
    )
    shelf.put("info", shelf.key(subject), lambda folder: (folder / "info.json").write_text(to_json(info)))
    refused = session.plan_zoo("nets/b").cells[0].subject
    shelf.failure("info", shelf.key(refused), ModelRejectedError("no inputs"))
    with session.offline_lane() as lane:
        known, unknown = session.models(lane.library)
    assert known == {"nets/a": info}
    assert [subject.id for subject in unknown] == ["nets/c", "nets/odd"]
    assert not session.tensorflow_started


# -- running ----------------------------------------------------------------------------------------------------------


def test_every_planned_cell_is_reported_and_judged(warm):
    records = ran(warm, warm.plan_zoo("full"))
    assert {case: (record.outcome, record.judgement) for case, record in records.items()} == {
        "nets/a": (Outcome.OK, Judgement.AS_EXPECTED),
        "nets/b": (Outcome.OK, Judgement.AS_EXPECTED),
        "nets/c": (Outcome.MISMATCH, Judgement.NEW_FAILURE),
        "nets/odd": (Outcome.UNSUPPORTED_OP, Judgement.NEW_FAILURE),
    }
    assert not warm.tensorflow_started
    assert {record.parity.inputs for record in records.values() if record.parity} == {len(PROBES)}


def test_a_known_failure_is_as_expected(warm, tmp_path):
    release = warm.plan_zoo("core").cells[0].target.opencv
    (tmp_path / "known.toml").write_text(
        f'[[expect]]\ncase = "nets/odd"\nroute = "onnx"\nopencv = "=={release}"\noutcome = "unsupported-op"\n'
        f'reason = "no Foo"\n[[expect]]\ncase = "nets/a"\nroute = "onnx"\nopencv = "=={release}"\noutcome = "crash"\n'
        'reason = "once"\n'
    )
    with Session(replace(warm.settings, expectations=("known.toml",))) as session:
        records = ran(session, session.plan_zoo("core"))
    assert (records["nets/odd"].judgement, records["nets/odd"].expected) == (
        Judgement.AS_EXPECTED,
        "unsupported-op: no Foo",
    )
    assert records["nets/a"].judgement is Judgement.FIXED


def test_an_error_of_a_lane_reaches_the_caller(session):
    """A store that cannot be written is no verdict on a model, and the next one would fare no better."""
    plan = session.plan_zoo("core")
    session.store.root.mkdir(parents=True)
    (session.store.root / "locks").touch()
    with pytest.raises(StoreError, match="cannot write below"):
        session.run(plan.cells, pytest.fail)


def test_an_interruption_while_a_record_is_handed_over_ends_the_run(warm):
    def interrupt(_: Record) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        warm.run(warm.plan_zoo("core").cells, interrupt)
    warm.close()
    warm.close()


def test_a_stored_refusal_is_reported_like_any_outcome(session, shelf):
    plan = session.plan_zoo("nets/a")
    for more in ([], *OTHER_OPSETS):
        key = shelf.key(plan.cells[0].subject, "onnx", *more)
        shelf.failure("artifact", key, ExportFailedError("tf2onnx gave up"))
    record = ran(session, plan)["nets/a"]
    assert record.outcome is Outcome.EXPORT_FAILED
    assert record.message.splitlines()[0] == "tf2onnx gave up"
    assert record.message.count("export-failed") == len(OTHER_OPSETS)


# -- a recorded run ---------------------------------------------------------------------------------------------------


def test_an_interrupted_run_is_resumed_with_the_same_judgements(warm, tmp_path):
    plan = warm.plan_zoo("core")
    directory, earlier = warm.begin(plan, tmp_path / "run", "dnn-harness run")
    assert earlier == ()
    shard = directory.shard("w1")
    warm.run(plan.cells[:1], shard.append)
    shard.close()
    _, left = warm.begin(plan, tmp_path / "run", "dnn-harness run again")
    assert [(record.case, record.judgement) for record in left] == [("nets/a", Judgement.AS_EXPECTED)]


def test_records_taken_over_are_judged_by_the_expectations_of_today(warm, tmp_path):
    plan = warm.plan_zoo("core")
    directory, _ = warm.begin(plan, tmp_path / "run", "dnn-harness run")
    shard = directory.shard("w1")
    warm.run(plan.cells[:1], shard.append)
    shard.close()
    (tmp_path / "known.toml").write_text(
        '[[expect]]\ncase = "nets/a"\nroute = "onnx"\nopencv = ">=4"\noutcome = "crash"\nreason = "once"\n'
    )
    with Session(replace(warm.settings, expectations=("known.toml",))) as later:
        _, left = later.begin(later.plan_zoo("core"), tmp_path / "run", "dnn-harness run")
    assert [record.judgement for record in left] == [Judgement.FIXED]


@pytest.mark.parametrize("change", ["draws", "zoo"])
def test_records_of_another_question_are_not_taken_over(warm, tmp_path, change):
    plan = warm.plan_zoo("core")
    directory, _ = warm.begin(plan, tmp_path / "run", "dnn-harness run")
    shard = directory.shard("w1")
    warm.run(plan.cells[:1], shard.append)
    shard.close()
    if change == "zoo":
        (tmp_path / "zoo_of_sessions.py").write_text(MODULE + "# edited\n")
        fingerprint.module.cache_clear()
    draws = 1 if change == "draws" else 0
    with Session(replace(warm.settings, draws=draws)) as other:
        _, left = other.begin(other.plan_zoo("core"), tmp_path / "run", "dnn-harness run")
    assert left == ()


# -- expectation files ------------------------------------------------------------------------------------------------


def test_expectations_come_from_files_and_folders_below_the_project(settings, tmp_path):
    folder = tmp_path / "known" / "deep"
    folder.mkdir(parents=True)
    for path in (folder / "b.toml", tmp_path / "known" / "a.toml", tmp_path / "one.toml", folder / "c.txt"):
        path.touch()
    found = expectation_files(replace(settings, expectations=("known", "one.toml")))
    assert [path.name for path in found] == ["a.toml", "b.toml", "one.toml"]


def test_expectations_that_are_not_there_or_not_readable_are_named(settings, tmp_path):
    with pytest.raises(UsageError, match=r"no_such does not exist; create it or correct"):
        Session(replace(settings, expectations=("no_such",)))
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"bad.toml cannot be read"):
        Session(replace(settings, expectations=("bad.toml",)))
    (tmp_path / "bad.toml").write_text("[[expect]]\ncolour = 3\n")
    with pytest.raises(UsageError, match=r"bad.toml:1: unknown key 'colour'"):
        Session(replace(settings, expectations=("bad.toml",)))


def test_a_device_that_this_machine_has_not_stops_a_run_before_it_begins(settings):
    with (
        Session(replace(settings, device=("CUDA/CUDA",))) as session,
        pytest.raises(EnvironmentFailedError, match="cannot compute on CUDA/CUDA here"),
    ):
        session.targets()


def test_onnx_runtime_is_a_target_that_no_claim_about_releases_covers(session):
    name = session.target("onnxruntime").opencv
    assert name == f"onnxruntime-{version('onnxruntime')}"
    assert not holds(">=4", name)
    assert holds(exactly(name), name)


# -- inputs that once failed -------------------------------------------------------------------------------------------


def test_what_is_kept_for_a_case_is_tried_with_it_alone(settings, tmp_path):
    (tmp_path / "kept.txt").write_text("nets/a  ramp:seed=4:scale=1.0\n")
    with Session(replace(settings, regressions=tmp_path / "kept.txt")) as session:
        cells = {cell.subject.id: cell for cell in session.plan_zoo("full").cells}
        assert session.plans_for(cells["nets/a"], PROBES) == (*PROBES, InputPlan(seed=4))
        assert session.plans_for(cells["nets/b"], PROBES) == PROBES


def test_a_run_is_not_resumed_with_other_kept_inputs(settings, tmp_path):
    kept = tmp_path / "kept.txt"
    kept.write_text("")
    marks = []
    for text in ("", "nets/a  ramp:seed=4:scale=1.0\n"):
        kept.write_text(text)
        with Session(replace(settings, regressions=kept)) as session:
            marks.append(session._fingerprint(session.plan_zoo("full")))
    assert marks[0] != marks[1]


def test_kept_inputs_that_are_named_but_absent_or_malformed_are_the_users_error(settings, tmp_path):
    with pytest.raises(UsageError, match=r"kept\.txt does not exist; `dnn-harness keep` creates it"):
        Session(replace(settings, regressions=tmp_path / "kept.txt"))
    (tmp_path / "kept.txt").write_text("\nnets/a  sometimes\n")
    with pytest.raises(UsageError, match=r"kept\.txt:2: 'sometimes' is no input plan"):
        Session(replace(settings, regressions=tmp_path / "kept.txt"))
