from __future__ import annotations

from dataclasses import replace

import pytest

from harness.effects.config import settle
from harness.encoding import from_json, to_json
from harness.errors import HarnessError, UsageError
from harness.pure.inputs import PROBES
from harness.records import Outcome
from harness.usecases import groups
from harness.usecases.groups import Answer, Group
from harness.usecases.planning import cell_id
from harness.usecases.session import Session


@pytest.fixture(autouse=True)
def sessions(monkeypatch) -> groups._Sessions:
    """The sessions of this process, for one test."""
    sessions = groups._Sessions()
    monkeypatch.setattr(groups, "_sessions", sessions)
    yield sessions
    for run in list(sessions._kept):
        sessions.end(run)


@pytest.fixture
def group(warm_zoo, warm_cells, tmp_path) -> Group:
    """The cells of one model as the host plans them."""
    options = {"zoo": warm_zoo, "store": str(tmp_path / "store"), "route": "onnx", "draws": 0, "repeats": 1}
    return Group(
        run="r1",
        cells=warm_cells[:1],
        plans=PROBES,
        settings=settle({**options, "scheduler": "local"}, start=tmp_path, environ={}),
        model=warm_cells[0].subject.fingerprint() or "",
        own_store=False,
    )


def judged(group: Group) -> Answer:
    return from_json(groups.judge(groups.harness_digest(), to_json(group)), Answer)


def test_a_group_is_judged_as_it_would_be_at_home(group):
    answer = judged(group)
    assert [(record.case, record.outcome, record.judgement) for record in answer.records] == [
        ("nets/a", Outcome.OK, None)  # held against expectations by the host, which has them
    ]
    assert answer.records[0].target == replace(group.cells[0].target, engine_used=answer.records[0].target.engine_used)
    assert not answer.tensorflow_started


def test_a_session_is_kept_for_the_next_group_of_the_run_and_ended_with_it(group, sessions):
    judged(group)
    kept = sessions._kept["r1"]
    judged(group)
    assert sessions._kept == {"r1": kept}
    assert kept.users == 0
    groups.end("r1")
    groups.end("r1")
    assert sessions._kept == {}
    assert kept.session._children.closed


def test_an_idle_session_of_another_run_whose_host_may_be_gone_is_ended(group, sessions):
    judged(group)
    judged(replace(group, run="r2"))
    assert set(sessions._kept) == {"r2"}
    with sessions.lend(replace(group, run="r2")):
        judged(replace(group, run="r3"))
        assert set(sessions._kept) == {"r2", "r3"}


def test_a_run_that_is_ended_stops_after_the_cell_under_way(group, monkeypatch):
    judge = groups.Session.offline_lane

    def lane(session: Session) -> object:
        groups.end("r1")
        return judge(session)

    monkeypatch.setattr(groups.Session, "offline_lane", lane)
    assert judged(group).records == ()


def test_a_store_of_the_machine_s_own_is_taken_where_it_is_to(group, tmp_path, monkeypatch, sessions):
    monkeypatch.setenv("DNN_HARNESS_STORE", str(tmp_path / "own"))
    with sessions.lend(replace(group, own_store=True)) as kept:
        assert kept.session.settings.store == tmp_path / "own"
    groups.end("r1")
    with sessions.lend(group) as kept:
        assert kept.session.settings.store == tmp_path / "store"
        assert (kept.session.settings.scheduler, kept.session.settings.jobs) == (None, 1)


def test_another_harness_refuses(group):
    assert groups.check_harness(groups.harness_digest()) == ""
    assert "runs another opencv-dnn-harness" in groups.check_harness("0" * 32)
    with pytest.raises(UsageError, match=r"install the same requirements.txt there and start its workers anew"):
        groups.judge("0" * 32, to_json(group))


def test_another_source_of_the_model_is_refused(group):
    with pytest.raises(UsageError, match=r"the model nets/a is another one here; install the same release of the zoo"):
        judged(replace(group, model="0" * 32))
    cell = group.cells[0]
    absent = replace(cell, subject=replace(cell.subject, id="nets/new"))
    with pytest.raises(UsageError, match=r"the model nets/new is absent here"):
        judged(replace(group, cells=(absent,)))


def test_another_opencv_is_refused(group):
    cell = group.cells[0]
    other = replace(cell, target=replace(cell.target, opencv="4.0.0.1"))
    with pytest.raises(UsageError, match=r"--opencv installed is Target\(.*\) here, but Target\(.*'4.0.0.1'"):
        judged(replace(group, cells=(other,)))


def test_what_a_machine_cannot_do_is_told_with_its_name_by_an_error_that_can_travel(group, tmp_path):
    (tmp_path / "file").touch()
    blocked = replace(group, settings=replace(group.settings, store=tmp_path / "file"))
    with pytest.raises(HarnessError, match=rf"^{groups.socket.gethostname()}: cannot write below") as raised:
        judged(blocked)
    assert type(raised.value) is HarnessError


def test_cells_travel_as_text(group):
    assert from_json(to_json(group), Group) == group
    assert [cell_id(cell) for cell in from_json(to_json(group), Group).cells] == [cell_id(group.cells[0])]
