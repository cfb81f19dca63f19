from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.effects.artifacts import ArtifactStore, StoreError

KEY = "ab12" * 8


def put(store: ArtifactStore, key: str = KEY, **files: str) -> Path:
    with store.scratch() as scratch:
        folder = scratch / "entry"
        for name, text in (files or {"model": "weights"}).items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return store.put("artifact", key, folder)


@pytest.fixture
def store(tmp_path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "store")


def reopened(store: ArtifactStore) -> ArtifactStore:
    """Another process's view: it trusts nothing it has not checked itself."""
    return ArtifactStore(store.root.parent)


def leftovers(store: ArtifactStore) -> list[Path]:
    return list((store.root / "scratch").iterdir())


def test_what_was_put_is_found_by_everybody(store):
    folder = put(store, model="weights", deep__er="more")
    for view in (store, reopened(store)):
        assert view.get("artifact", KEY) == folder
    assert (folder / "model").read_text() == "weights"
    assert (folder / "deep" / "er").read_text() == "more"
    assert leftovers(store) == []


def test_what_was_never_put_is_absent(store):
    put(store)
    assert store.get("artifact", "cd34" * 8) is None
    assert store.get("reference", KEY) is None


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / "model").read_bytes())
    content[-1] ^= 1
    (folder / "model").write_bytes(content)


DAMAGES = {
    "a bit flipped": flip_a_bit,
    "truncated": lambda folder: os.truncate(folder / "model", 3),
    "emptied": lambda folder: os.truncate(folder / "model", 0),
    "a file missing": lambda folder: (folder / "model").unlink(),
    "a file too many": lambda folder: (folder / "extra").touch(),
    "a file renamed": lambda folder: (folder / "model").rename(folder / "moved"),
    "no seal": lambda folder: (folder / "seal.json").unlink(),
    "a seal cut short": lambda folder: os.truncate(folder / "seal.json", 20),
    "an empty seal": lambda folder: os.truncate(folder / "seal.json", 0),
    "a seal of nothing": lambda folder: (folder / "seal.json").write_text("{}"),
    "a seal that is no text": lambda folder: (folder / "seal.json").write_bytes(b"\xff\xfe"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_discarded_and_can_be_rebuilt(store, damage):
    folder = put(store, model="weights", other="more")
    DAMAGES[damage](folder)
    view = reopened(store)
    assert view.get("artifact", KEY) is None
    assert not folder.exists()
    assert leftovers(store) == []
    assert put(view, model="weights", other="more") == folder
    assert reopened(store).get("artifact", KEY) == folder


def test_of_two_who_built_the_same_the_first_stays(store):
    first = put(store, model="first")
    assert put(reopened(store), model="second") == first
    assert (first / "model").read_text() == "first"
    assert leftovers(store) == []


def test_an_exception_while_building_leaves_nothing(store):
    def build():
        with store.scratch() as scratch:
            (scratch / "half").write_text("a model")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build()
    assert leftovers(store) == []
    assert store.get("artifact", KEY) is None


BUILDER = """
import sys, time
from pathlib import Path
from harness.effects.artifacts import ArtifactStore
store, key, name, slow = ArtifactStore(Path(sys.argv[1])), sys.argv[2], sys.argv[3], float(sys.argv[4])
with store.lock("artifact", key):
    folder = store.get("artifact", key)
    if folder is None:
        print("builds", flush=True)
        with store.scratch() as scratch:
            (scratch / "entry").mkdir()
            (scratch / "entry" / "model").write_text(name)
            time.sleep(slow)
            folder = store.put("artifact", key, scratch / "entry")
    print((folder / "model").read_text())
"""


def start_builder(store: ArtifactStore, name: str, slow: float = 0.3) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", BUILDER, str(store.root.parent), KEY, name, str(slow)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def test_of_two_processes_at_once_one_builds_and_both_have_it(store):
    both = [start_builder(store, name) for name in ("first", "second")]
    said = [process.communicate(timeout=30)[0].split() for process in both]
    assert sorted(len(words) for words in said) == [1, 2]
    assert said[0][-1] == said[1][-1]


def test_a_builder_that_is_killed_holds_nobody_off_and_leaves_no_entry(store):
    killed = start_builder(store, "killed", slow=60)
    assert killed.stdout.readline() == "builds\n"
    killed.kill()
    killed.communicate()
    assert store.get("artifact", KEY) is None
    started = time.monotonic()
    with store.lock("artifact", KEY):
        assert time.monotonic() - started < 5
    assert put(store).is_dir()


def test_two_processes_that_put_without_a_lock_leave_one_whole_entry(store):
    code = (
        "import sys\nfrom pathlib import Path\nfrom harness.effects.artifacts import ArtifactStore\n"
        "store = ArtifactStore(Path(sys.argv[1]))\n"
        "for i in range(40):\n"
        "    with store.scratch() as s:\n"
        "        (s / 'e').mkdir(); (s / 'e' / 'model').write_text(sys.argv[2] * 1000)\n"
        "        store.put('artifact', f'{i:032}', s / 'e')\n"
    )
    argv = [sys.executable, "-c", code, str(store.root.parent)]
    both = [subprocess.Popen([*argv, name]) for name in ("a", "b")]
    assert [process.wait(timeout=30) for process in both] == [0, 0]
    for number in range(40):
        folder = store.get("artifact", f"{number:032}")
        assert folder is not None
        assert len(set((folder / "model").read_text())) == 1
    assert leftovers(store) == []


def test_locks_of_other_keys_do_not_wait(store):
    with store.lock("artifact", KEY), store.lock("reference", KEY), store.lock("artifact", "cd34" * 8):
        pass


@pytest.mark.parametrize("use", ["scratch", "lock", "put"])
def test_a_store_that_cannot_be_written_is_named_with_the_way_out(tmp_path, use):
    (tmp_path / "file").touch()
    broken = ArtifactStore(tmp_path / "file")
    (tmp_path / "made").mkdir()
    uses = {
        "scratch": lambda: broken.scratch().__enter__(),
        "lock": lambda: broken.lock("artifact", KEY).__enter__(),
        "put": lambda: broken.put("artifact", KEY, tmp_path / "made"),
    }
    with pytest.raises(StoreError, match=r"cannot write below .*file.*--store"):
        uses[use]()


def test_an_entry_that_vanishes_while_it_is_checked_is_absent(store):
    """Another process may discard a damaged entry at the same moment."""
    folder = put(store)
    (folder / "model").write_text("damaged")
    views = [reopened(store), reopened(store)]
    assert [view.get("artifact", KEY) for view in views] == [None, None]
