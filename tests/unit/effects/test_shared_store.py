from __future__ import annotations

import sys
import threading
import zipfile
from pathlib import Path

import pytest

from harness.effects import shared_store
from harness.effects.artifacts import ArtifactStore, StoreError
from harness.effects.shared_store import SharedStore, connect, shown
from harness.errors import UsageError

pytest.importorskip("fsspec")  # optional: `pip install 'opencv-dnn-harness[cluster]'`
KEY = "ab12" * 8


@pytest.fixture(params=["file", "memory"])
def url(request, tmp_path) -> str:
    return f"file://{tmp_path}/shared" if request.param == "file" else f"memory://{tmp_path.name}"


@pytest.fixture
def folder_url(tmp_path) -> str:
    return f"file://{tmp_path}/shared"


def connected(url: str) -> SharedStore:
    shared = connect(url)
    assert shared is not None
    return shared


def machine(tmp_path: Path, name: str, url: str) -> ArtifactStore:
    return ArtifactStore(tmp_path / name, connect(url))


def put(store: ArtifactStore, text: str = "weights", key: str = KEY) -> Path:
    with store.scratch() as scratch:
        folder = scratch / "entry"
        (folder / "deep").mkdir(parents=True)
        (folder / "model").write_text(text)
        (folder / "deep" / "er").write_text("more")
        return store.put("artifact", key, folder)


def archives(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "shared" / "v1").rglob("*.zip"))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_one_machine_made_another_finds_whole(tmp_path, url):
    made = put(machine(tmp_path, "one", url))
    other = machine(tmp_path, "two", url)
    found = other.get("artifact", KEY)
    assert found is not None
    assert found.is_relative_to(tmp_path / "two")
    assert files(found) == files(made)
    assert ArtifactStore(tmp_path / "two").get("artifact", KEY) == found  # from now on it needs nobody
    assert list((other.root / "scratch").iterdir()) == []


def test_what_nobody_made_is_absent(tmp_path, url):
    put(machine(tmp_path, "one", url))
    assert machine(tmp_path, "two", url).get("artifact", "cd34" * 8) is None
    assert machine(tmp_path, "two", url).get("reference", KEY) is None


def test_of_two_who_made_the_same_the_first_stays(tmp_path, url):
    put(machine(tmp_path, "one", url), "first")
    put(machine(tmp_path, "two", url), "second")
    found = machine(tmp_path, "three", url).get("artifact", KEY)
    assert found is not None
    assert (found / "model").read_text() == "first"


def test_many_who_write_the_same_at_once_leave_one_whole_entry(tmp_path, folder_url):
    stores = [machine(tmp_path, str(number), folder_url) for number in range(8)]
    barrier = threading.Barrier(len(stores))

    def write(store: ArtifactStore) -> None:
        barrier.wait()
        put(store, f"{store.root}" * 1000)

    threads = [threading.Thread(target=write, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(archives(tmp_path)) == 1
    assert list((tmp_path / "shared" / "v1" / "drafts").iterdir()) == []
    assert machine(tmp_path, "late", folder_url).get("artifact", KEY) is not None


def cut_short(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-30])


def with_a_bit_flipped(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[content.index(b"weights")] ^= 1
    archive.write_bytes(content)


def with_another_model(archive: Path) -> None:
    """A whole archive, whose files are not those of its seal."""
    packed = rewritten(archive, {"model": b"other weights"})
    archive.write_bytes(packed.read_bytes())


def rewritten(archive: Path, changed: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(archive) as found:
        content = {name: found.read(name) for name in found.namelist()} | changed
    with zipfile.ZipFile(archive, "w", compression) as out:
        for name, data in content.items():
            out.writestr(name, data)
    return archive


DAMAGES = {
    "cut short": cut_short,
    "a bit flipped": with_a_bit_flipped,
    "another model": with_another_model,
    "empty": lambda archive: archive.write_bytes(b""),
    "no archive": lambda archive: archive.write_bytes(b"<html>sign in</html>" * 100),
    "out of the folder": lambda archive: rewritten(archive, {"../../escaped": b"x"}),
    "an absolute name": lambda archive: rewritten(archive, {"/tmp/escaped": b"x"}),
    "a name of another system": lambda archive: rewritten(archive, {"..\\escaped": b"x"}),
    "a folder": lambda archive: rewritten(archive, {"folder/": b""}),
    "compressed": lambda archive: rewritten(archive, {}, zipfile.ZIP_DEFLATED),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_or_harmful_there_counts_as_absent_and_is_replaced(tmp_path, folder_url, damage):
    put(machine(tmp_path, "one", folder_url))
    (archive,) = archives(tmp_path)
    DAMAGES[damage](archive)
    other = machine(tmp_path, "two", folder_url)
    assert other.get("artifact", KEY) is None
    assert not archive.exists()
    assert list(tmp_path.rglob("escaped")) == []
    put(other)
    assert machine(tmp_path, "three", folder_url).get("artifact", KEY) is not None


def test_an_entry_too_large_is_neither_given_nor_taken(tmp_path, folder_url, monkeypatch):
    put(machine(tmp_path, "one", folder_url))
    monkeypatch.setattr(shared_store, "MAX_BYTES", 20)
    other = machine(tmp_path, "two", folder_url)
    assert other.get("artifact", KEY) is None
    assert put(other, "weights " * 10).exists()
    assert archives(tmp_path) == []


def test_an_entry_of_too_many_files_is_not_taken(tmp_path, folder_url, monkeypatch):
    put(machine(tmp_path, "one", folder_url))
    monkeypatch.setattr(shared_store, "MAX_FILES", 2)
    assert machine(tmp_path, "two", folder_url).get("artifact", KEY) is None


def test_a_write_that_breaks_off_leaves_nothing(tmp_path, folder_url, monkeypatch):
    store = machine(tmp_path, "one", folder_url)

    def pack(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shared_store, "_pack", pack)
    with pytest.raises(KeyboardInterrupt):
        put(store)
    assert list((tmp_path / "shared" / "v1" / "drafts").iterdir()) == []
    assert archives(tmp_path) == []


def test_a_store_that_is_lost_in_the_middle_is_named(tmp_path, folder_url):
    store = machine(tmp_path, "one", folder_url)
    place = tmp_path / "shared" / "v1"
    place.rename(tmp_path / "gone")
    place.touch()
    with pytest.raises(StoreError, match=r"shared store file://.*/shared cannot be read: NotADirectoryError"):
        store.get("artifact", KEY)
    with pytest.raises(StoreError, match=r"cannot be written: .*; run the same command again when it can"):
        put(store)


def test_without_a_url_there_is_no_shared_store():
    assert connect(None) is None


def test_a_url_of_no_known_kind_is_the_users_error():
    with pytest.raises(UsageError, match=r"--shared-store nowhere://x cannot be opened: .*nowhere.*; write a URL"):
        connect("nowhere://x")


def test_a_store_that_cannot_be_written_is_the_users_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=rf"shared store file://{tmp_path}/file cannot be written: .*; correct --shar"):
        connect(f"file://{tmp_path}/file")


@pytest.mark.parametrize(
    ("absent", "url", "words"),
    [
        ("fsspec.core", "file:///x", r"needs fsspec: .*; run `pip install 'opencv-dnn-harness\[cluster\]'`"),
        ("s3fs", "s3://bucket/x", r"--shared-store s3://bucket/x needs one more package: .*s3fs"),
    ],
)
def test_a_package_that_is_missing_is_named(monkeypatch, absent, url, words):
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(UsageError, match=words):
        connect(url)


def test_a_password_is_not_shown():
    assert shown("sftp://me:secret@host:22/x") == "sftp://me:...@host:22/x"
    assert shown("s3://bucket/a:b@c") == "s3://bucket/a:b@c"
