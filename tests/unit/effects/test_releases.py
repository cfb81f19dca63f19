from __future__ import annotations

import json
import os
import time

import pytest
from test_environments import write_wheel

from harness.effects.releases import Release, Releases, parse_release, stands_for_several
from harness.errors import EnvironmentFailedError

HEADLESS = "opencv-python-headless"


class Index:
    """A package index in a folder, the only one that uv may see."""

    def __init__(self, folder):
        self.folder = folder
        self.pages = folder / HEADLESS
        self.pages.mkdir(parents=True)

    def add(self, *numbers):
        for number in numbers:
            write_wheel(self.pages, HEADLESS, number)
        links = (f'<a href="{path.name}">{path.name}</a>' for path in sorted(self.pages.glob("*.whl")))
        (self.pages / "index.html").write_text("\n".join(links))


@pytest.fixture
def index(tmp_path, monkeypatch):
    index = Index(tmp_path / "simple")
    index.add("4.7.0.72", "4.8.0.76", "4.8.1.78", "4.14.0.94", "5.0.0.93")
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.folder.as_uri())
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return index


@pytest.fixture
def releases(tmp_path, index):  # noqa: ARG001 - what uv sees
    return Releases(tmp_path / "environments" / "releases.json")


def numbers(found):
    return [release.number for release in found]


@pytest.mark.parametrize(
    ("word", "several"),
    [
        ("latest", True),
        ("4.8:5.0", True),
        ("4.8:", True),
        ("4.8:latest", True),
        ("latest:4.8", False),
        (":4.8", True),
        ("4.8", True),
        ("5", True),
        ("4.8.1", True),
        ("latest+contrib", True),
        ("4.8:5.0+contrib-headless", True),
        ("4.8.1.78", False),
        ("4.8.1.78+contrib", False),
        (":", False),
        ("4.8:5.0:6", False),
        ("4.8:5.0+extra", False),
        ("installed", False),
        ("path:/usr/bin/python3", False),
        ("4.x:5", False),
    ],
)
def test_a_word_stands_for_one_or_for_several(word, several):
    assert stands_for_several(word) is several


@pytest.mark.parametrize(
    ("word", "release", "name", "requirement"),
    [
        ("4.14.0.94", Release(number="4.14.0.94"), "4.14.0.94", "opencv-python-headless==4.14.0.94"),
        (
            "4.14.0.94+contrib-headless",
            Release(number="4.14.0.94", wheel="contrib-headless"),
            "4.14.0.94+contrib.headless",
            "opencv-contrib-python-headless==4.14.0.94",
        ),
        (
            "4.14.0.94+python",
            Release(number="4.14.0.94", wheel="python"),
            "4.14.0.94+python",
            "opencv-python==4.14.0.94",
        ),
    ],
)
def test_a_release_in_full_has_a_name_that_is_a_word_again(word, release, name, requirement):
    assert parse_release(word) == parse_release(name) == release
    assert (release.name, release.requirement) == (name, requirement)


@pytest.mark.parametrize("word", ["4.8", "4.14.0.94+extra", "latest", "4.x.0.94", ""])
def test_what_is_no_release_in_full_is_none(word):
    assert parse_release(word) is None


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("latest", ["5.0.0.93"]),
        ("4.8", ["4.8.1.78"]),
        ("4.7:5.0", ["4.7.0.72", "4.8.1.78", "4.14.0.94", "5.0.0.93"]),
        (":4.8", ["4.7.0.72", "4.8.1.78"]),
        ("4.9:", ["4.14.0.94", "5.0.0.93"]),
        ("4.9:latest", ["4.14.0.94", "5.0.0.93"]),
        ("4.8.0.76:4.14.0.94", ["4.8.0.76", "4.8.1.78", "4.14.0.94"]),
        ("4.7:4.8.0.76", ["4.7.0.72", "4.8.0.76"]),
    ],
)
def test_a_range_is_the_newest_of_each_minor_release_and_its_ends(releases, word, meant):
    assert numbers(releases.meant_by(word)) == meant


def test_a_range_without_a_release_says_so(releases):
    with pytest.raises(EnvironmentFailedError, match=r"no release is meant by '6:7'; `pip index versions"):
        releases.meant_by("6:7")


def test_the_index_is_asked_once_a_day(releases, index, tmp_path):
    assert numbers(releases.meant_by("latest")) == ["5.0.0.93"]
    index.add("5.1.0.95")
    again = Releases(tmp_path / "environments" / "releases.json")
    assert numbers(again.meant_by("latest")) == ["5.0.0.93"]
    assert numbers(again.meant_by("latest", ask=True)) == ["5.1.0.95"]
    assert numbers(again.meant_by("latest")) == ["5.1.0.95"]


def test_what_was_said_yesterday_is_asked_again(releases, tmp_path):
    file = tmp_path / "environments" / "releases.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"latest": [time.time() - 90_000, ["4.7.0.72"]]}))
    assert numbers(releases.meant_by("latest")) == ["5.0.0.93"]


def test_without_a_network_what_was_said_last_holds_and_is_told(releases, tmp_path, monkeypatch):
    file = tmp_path / "environments" / "releases.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"latest": [0.0, ["4.7.0.72"]]}))
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    monkeypatch.setenv("UV_OFFLINE", "1")
    assert numbers(releases.meant_by("latest")) == ["4.7.0.72"]
    assert "network was disabled" in releases.from_memory["latest"]
    with pytest.raises(EnvironmentFailedError, match=r"which releases '4.8:5.0' stands for cannot be found out"):
        releases.meant_by("4.8:5.0")


@pytest.mark.parametrize("text", ["", "[]", '{"latest": 3}', '{"latest": [1, null]}', "\x00"])
def test_a_damaged_memory_is_no_memory(releases, tmp_path, text):
    file = tmp_path / "environments" / "releases.json"
    file.parent.mkdir()
    file.write_text(text)
    assert numbers(releases.meant_by("latest")) == ["5.0.0.93"]
