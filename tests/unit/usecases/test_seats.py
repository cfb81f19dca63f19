"""Where cells run, with real workers: the installed OpenCV, and shells in the place of other machines."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace

import pytest

from harness.cells.subjects import Seat
from harness.effects.config import settle
from harness.errors import EnvironmentFailedError, UsageError
from harness.usecases.session import Session

ELSEWHERE = f"sh -c {shlex.quote(f'exec {shlex.quote(sys.executable)} $0 $1 $2')} -"
"""A Python that reads its program from a pipe, behind a shell as behind ssh."""
NOWHERE = "sh -c 'echo no route to host >&2; exit 255' -"


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.dnn-harness]\n")
    return settle({"store": str(tmp_path / "store")}, start=tmp_path, environ={})


@pytest.fixture
def session(settings):
    with Session(settings) as session:
        yield session


def seats(session, **changes):
    with session.using(replace(session.settings, **changes)):
        return session.seats.all(session.settings)


def test_a_seat_says_what_its_opencv_offers(session):
    (place,) = seats(session).values()
    assert set(place.offers.importers) >= {"onnx"}
    assert "CPU" in place.offers.backends["OPENCV"]
    assert place.target.engine_asked == "default"


def test_of_several_engines_only_those_that_the_release_has_are_seats(session):
    offered = next(iter(seats(session).values())).offers.engines
    found = seats(session, engine=("default", "CLASSIC", "NEW"))
    expected = ["default", *(name for name in ("CLASSIC", "NEW") if name in offered)]
    assert [seat.engine for seat in found] == expected
    assert [place.target.engine_asked for place in found.values()] == expected


def test_engines_and_devices_are_crossed(session):
    found = seats(session, engine=("CLASSIC",), device=("CPU", "OPENCV/CPU"))
    assert list(found) == [Seat(environment="installed", engine="CLASSIC")]
    assert session.seats.notes == ["installed CLASSIC OPENCV/CPU is installed CLASSIC; it runs once"]


def test_a_command_is_a_place_of_its_own_kind(session):
    (place,) = seats(session, opencv=(ELSEWHERE,)).values()
    assert place.target.opencv.count(".") == 2, "what cv2 calls itself, for want of a wheel's name"
    assert place.environment.python is None


def test_what_cannot_be_had_costs_itself_and_not_the_others(session):
    found = seats(session, opencv=("installed", NOWHERE))
    assert [seat.environment for seat in found] == ["installed"]
    assert list(session.seats.unavailable) == [NOWHERE]
    assert "no route to host" in session.seats.unavailable[NOWHERE]


def test_a_device_that_is_not_there_costs_itself_alone(session):
    found = seats(session, device=("CPU", "CUDA/CUDA"))
    assert [seat.device for seat in found] == ["CPU"]
    assert "cannot compute on CUDA/CUDA here" in session.seats.unavailable["installed CUDA/CUDA"]


def test_where_nothing_can_be_had_there_is_nothing_to_run_on(session):
    with pytest.raises(EnvironmentFailedError, match="no route to host"):
        seats(session, opencv=(NOWHERE,))
    with pytest.raises(EnvironmentFailedError, match=r"nothing to run on: .*CUDA/CUDA.*VKCOM/VULKAN"):
        seats(session, device=("CUDA/CUDA", "VKCOM/VULKAN"))


def test_a_word_that_means_nothing_ends_the_run_at_once(session):
    with pytest.raises(UsageError, match=r"'4\.x' is no OpenCV to run on"):
        seats(session, opencv=("installed", "4.x"))


def test_two_builds_of_one_name_cannot_be_told_apart_in_one_run(session):
    with pytest.raises(UsageError, match=r"are both OpenCV .*; run them apart, then `dnn-harness diff`"):
        seats(session, opencv=(ELSEWHERE, f"{ELSEWHERE[:-1]} -"))


def test_deadlines_of_a_cell_do_not_outlive_its_lane(session):
    (seat,) = session.targets()
    with session.lane() as lane:
        lane.worker(seat).allow(load_seconds=1.0, forward_seconds=1.0)
        used = lane.worker(seat)
    with session.lane() as lane:
        assert lane.worker(seat) is used
        assert used.forward_seconds == session.settings.forward_seconds
