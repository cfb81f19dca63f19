"""A store that several machines share: one archive per entry behind an fsspec URL (a directory, S3, SFTP ...).

Only moves entries: what they are good for, and whether they are whole, the local store decides. fsspec is an optional
package, imported when a URL is given.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from harness.effects.artifacts import StoreError
from harness.errors import UsageError

MAX_BYTES = 8 << 30
"""Largest entry that is moved: what is larger stays where it was made, and is not taken from elsewhere."""
MAX_FILES = 10_000
INSTALL = "pip install 'opencv-dnn-harness[cluster]'"
_VERSION = "v1"
_CHUNK_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def connect(url: str | None) -> SharedStore | None:
    """Return the store behind a URL, None without one.

    Raises UsageError where it cannot be reached and written, or a package for it is missing.
    """
    if url is None:
        return None
    shared = SharedStore(_open(url), url)
    shared.probe()
    return shared


def shown(url: str) -> str:
    """Return a URL as messages may have it: without a password."""
    return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1:...@", url)


class SharedStore:
    """Archives by kind and key below one URL; an entry appears whole or not at all, and is never changed."""

    def __init__(self, files: tuple[Any, str], url: str) -> None:
        """Take what fsspec makes of a URL: a file system and a path on it."""
        self._files, root = files
        self._root = f"{root.rstrip('/')}/{_VERSION}"
        self._url = shown(url)

    def fetch(self, kind: str, key: str, folder: Path) -> bool:
        """Fill a folder with an entry's files; False where there is none. Raises StoreError.

        One that cannot be unpacked is removed, so that a good one can take its place.
        """
        place = self._place(kind, key)
        archive = folder.with_name(f"{folder.name}.zip")
        with self._speaking("read"):
            try:
                with self._files.open(place, "rb") as stream:
                    whole = _copied(stream, archive)
            except FileNotFoundError:
                return False
        if whole and _unpacked(archive, folder):
            return True
        self.forget(kind, key)
        return False

    def offer(self, kind: str, key: str, folder: Path) -> None:
        """Put a folder's files there, unless an entry of that key is there already. Raises StoreError.

        Written beside its place and moved: of two who write the same at once, one stays, whole.
        """
        place = self._place(kind, key)
        with self._speaking("written"):
            if self._files.exists(place) or _nbytes(folder) > MAX_BYTES:
                return
            self._write(place, lambda stream: _pack(folder, stream))

    def forget(self, kind: str, key: str) -> None:
        """Remove a damaged entry. Raises StoreError."""
        with self._speaking("written"), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._place(kind, key))

    def probe(self) -> None:
        """Write and remove a few bytes. Raises UsageError where that cannot be done."""
        place = f"{self._root}/probe/{uuid.uuid4().hex}"
        try:
            self._write(place, lambda stream: stream.write(b"dnn-harness"))
            self._files.rm_file(place)
        except Exception as error:  # each kind of store has errors of its own (botocore, aiohttp, paramiko)
            raise UsageError(
                f"the shared store {self._url} cannot be written: {_reason(error)}; correct --shared-store, or what "
                "lets you in there (credentials, permissions)"
            ) from error

    def _write(self, place: str, write: Any) -> None:
        draft = f"{self._root}/drafts/{uuid.uuid4().hex}"
        for folder in (draft, place):
            self._files.makedirs(folder.rpartition("/")[0], exist_ok=True)
        try:
            with self._files.open(draft, "wb") as stream:
                write(stream)
            self._files.mv(draft, place)
        except BaseException:  # Ctrl-C as well: nobody else would ever remove it
            with contextlib.suppress(Exception):  # what went wrong first is what is told
                self._files.rm_file(draft)
            raise

    def _place(self, kind: str, key: str) -> str:
        return f"{self._root}/{kind}/{key[:2]}/{key}.zip"

    @contextlib.contextmanager
    def _speaking(self, done: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each kind of store has errors of its own (botocore, aiohttp, paramiko)
            raise StoreError(
                f"the shared store {self._url} cannot be {done}: {_reason(error)}; run the same command again when it "
                "can (finished cells are kept), or without --shared-store"
            ) from error


def _open(url: str) -> tuple[Any, str]:
    try:
        core = importlib.import_module("fsspec.core")
    except ModuleNotFoundError as error:
        raise UsageError(f"--shared-store {shown(url)} needs fsspec: {error}; run `{INSTALL}`") from None
    try:
        files, root = core.url_to_fs(url, use_listings_cache=False)  # others write there as well
    except ImportError as error:  # fsspec's own words name the package for this kind of URL
        raise UsageError(f"--shared-store {shown(url)} needs one more package: {error}") from None
    except Exception as error:  # each kind of store has errors of its own
        raise UsageError(
            f"--shared-store {shown(url)} cannot be opened: {_reason(error)}; write a URL that fsspec knows, such as "
            "file:///mnt/x or s3://bucket/prefix"
        ) from error
    return files, str(root)


def _copied(stream: IO[bytes], archive: Path) -> bool:
    """Write a stream to a file as far as the bound allows; whether that was all of it."""
    left = MAX_BYTES
    with archive.open("wb") as out:
        while chunk := stream.read(_CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                return False
            out.write(chunk)
    return True


def _pack(folder: Path, stream: IO[bytes]) -> None:
    # Not compressed: weights hardly shrink, and what is stored cannot grow beyond its own size when it is read.
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(folder).as_posix())


def _unpacked(archive: Path, folder: Path) -> bool:
    """Write an archive's files below a folder; False for one that is damaged or has what no entry of ours has."""
    try:
        with zipfile.ZipFile(archive) as found:
            if not _is_harmless(found.infolist()):
                return False
            for member in found.infolist():
                found.extract(member, folder)
        return True
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError):
        return False


def _is_harmless(members: list[zipfile.ZipInfo]) -> bool:
    """Whether all are plain files with names of ours, none of which leads out of the folder, and not too many bytes."""
    return (
        0 < len(members) <= MAX_FILES
        and sum(member.file_size for member in members) <= MAX_BYTES
        and all(member.compress_type == zipfile.ZIP_STORED and _stays_inside(member) for member in members)
    )


def _stays_inside(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    named = all(_NAME.fullmatch(part) and part != ".." for part in path.parts)
    return named and not path.is_absolute() and not member.is_dir() and str(path) == member.filename


def _nbytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
