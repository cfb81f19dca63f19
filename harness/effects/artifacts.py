"""The artifact store: folders found by key, sealed with the digest of every file in them.

Safe for several processes at once: an entry appears by one rename, building is guarded by a lock per key, and an
entry that is damaged or incomplete is set aside and counts as absent. Knows nothing of what the folders hold. Where
machines share a store, what is not here is looked for there, and what is made here is put there.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from filelock import FileLock

from harness.errors import HarnessError

_SEAL = "seal.json"
_VERSION = "v1"


class StoreError(HarnessError):
    """The store cannot be written: the disk is full, or the folder is not ours."""


class Shared(Protocol):
    """Entries that other machines see too."""

    def fetch(self, kind: str, key: str, folder: Path) -> bool:
        """Fill a folder with an entry's files; False where there is none."""

    def offer(self, kind: str, key: str, folder: Path) -> None:
        """Take a copy of an entry, where there is none yet."""

    def forget(self, kind: str, key: str) -> None:
        """Remove a damaged entry."""


class ArtifactStore:
    """Folders by kind and key below one root; written once, never changed."""

    def __init__(self, root: Path, shared: Shared | None = None) -> None:
        self.root = root / _VERSION
        self._shared = shared
        self._intact: set[Path] = set()

    def get(self, kind: str, key: str) -> Path | None:
        """Return the folder of a whole and undamaged entry, or None. A damaged one is removed."""
        folder = self._place(kind, key)
        if folder in self._intact:
            return folder
        if not folder.exists():
            return self._fetched(self._shared, kind, key) if self._shared else None
        if not _is_intact(folder):
            self._discard(folder)
            return None
        self._intact.add(folder)
        return folder

    def put(self, kind: str, key: str, folder: Path) -> Path:
        """Seal a folder made by `scratch` and move it to its place; where another process was first, theirs stays."""
        place = self._place(kind, key)
        with _speaking_of_disks(place):
            (folder / _SEAL).write_text(json.dumps(_digests(folder)))
        self._settle(folder, place)
        if self._shared:
            self._shared.offer(kind, key, place)
        return place

    def _fetched(self, shared: Shared, kind: str, key: str) -> Path | None:
        """Take over an entry that another machine made; None where there is none, or a damaged one."""
        with self.scratch() as scratch:
            folder = scratch / "entry"
            with _speaking_of_disks(folder):
                folder.mkdir()
            if not shared.fetch(kind, key, folder):
                return None
            if not _is_intact(folder):
                shared.forget(kind, key)
                return None
            return self._settle(folder, self._place(kind, key))

    def _settle(self, folder: Path, place: Path) -> Path:
        """Move a sealed folder to its place, by one rename."""
        with _speaking_of_disks(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                folder.rename(place)
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise
                shutil.rmtree(folder)
        self._intact.add(place)
        return place

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give an empty folder on the store's own file system; what is left of it afterwards is removed."""
        with _speaking_of_disks(self.root):
            parent = self.root / "scratch"
            parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def lock(self, kind: str, key: str) -> Iterator[None]:
        """Hold off every other process that would build the same entry."""
        with _speaking_of_disks(self.root):
            folder = self.root / "locks"
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / f"{kind}-{key}.lock")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _place(self, kind: str, key: str) -> Path:
        return self.root / kind / key[:2] / key

    def _discard(self, folder: Path) -> None:
        """Move a damaged entry out of the way first: the rename is atomic, the removal is not."""
        with self.scratch() as aside, contextlib.suppress(FileNotFoundError):
            folder.rename(aside / "damaged")


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != _SEAL:
            with path.open("rb") as stream:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found


def _is_intact(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / _SEAL).read_text()) == _digests(folder))
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _speaking_of_disks(place: Path) -> Iterator[None]:
    """Turn an OSError into a sentence with the path and what to do about it."""
    try:
        yield
    except OSError as error:
        advice = "free some space or" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "check its permissions or"
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StoreError(
            f"cannot write below {place}: {reason}; {advice} name another folder with --store (DNN_HARNESS_STORE)"
        ) from error
