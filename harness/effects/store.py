"""Run directories: the plan, and one JSON line per finished cell in append-only shards, one writer each.

A line is written and flushed when its cell ends, so a kill at any moment costs the cells under way and nothing else.
A last line cut short by such a kill is passed over when reading.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TypeVar

from harness.encoding import from_json, to_json
from harness.errors import HarnessError, RunInterruptedError, UsageError
from harness.observations import Capabilities
from harness.records import CellId, Record

_PLAN = "plan.json"
_SHARDS = "records"
_FINISHED = "finished.json"
_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What a run set out to do: written before its first cell."""

    cells: tuple[CellId, ...]
    fingerprint: str
    """Digest of all that the results depend on; a run is resumed only where it is unchanged."""
    started: str
    """ISO 8601, UTC."""
    command: str
    versions: dict[str, str] = field(default_factory=dict)
    host: str = ""
    shard: str = ""
    """`2/3`: the second third of a larger plan; empty for a whole one."""
    unavailable: dict[str, str] = field(default_factory=dict)
    """OpenCV that was asked for -> why it could not be had; its cells are in no plan."""
    offers: dict[str, Capabilities] = field(default_factory=dict)
    """Release -> what it says that it has."""
    latency: bool = False
    """Whether what works is to be timed as well."""

    def is_done(self, records: Iterable[Record]) -> bool:
        """Whether every cell has its record and, where that is wanted, was timed."""
        done = {CellId.of(record) for record in records if not (self.latency and record.untimed)}
        return done.issuperset(self.cells)


class RunDirectory:
    """One run's plan and records on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, plan: RunPlan) -> tuple[Record, ...]:
        """Write the plan and return what an interrupted run of the same cells left; else start afresh.

        Whether cells are timed as well may change between its parts: what was judged is judged all the same.
        """
        try:
            earlier = self.plan()
        except UsageError:
            earlier = None
        try:
            (self.folder / _SHARDS).mkdir(parents=True, exist_ok=True)
            if earlier is not None and (earlier.cells, earlier.fingerprint) == (plan.cells, plan.fingerprint):
                left = self.records()
                if not earlier.is_done(left):  # a run that was finished is not resumed but repeated
                    self._write(replace(earlier, latency=plan.latency))
                    return left
            for shard in (self.folder / _SHARDS).glob("*.jsonl"):
                shard.unlink()
            (self.folder / _FINISHED).unlink(missing_ok=True)
            self._write(plan)
        except OSError as error:
            raise _cannot_write(self.folder, error) from error
        return ()

    def _write(self, plan: RunPlan) -> None:
        temporary = self.folder / f"{_PLAN}.{os.getpid()}"
        temporary.write_text(to_json(plan))
        temporary.replace(self.folder / _PLAN)

    def plan(self) -> RunPlan:
        """Read the plan. Raises UsageError where the folder holds no run."""
        path = self.folder / _PLAN
        try:
            return from_json(path.read_text(), RunPlan)
        except FileNotFoundError:
            raise UsageError(f"{self.folder} is no run directory: it has no {_PLAN}; name the --out of a run") from None
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} cannot be read as a run's plan: {error}") from error

    def records(self) -> tuple[Record, ...]:
        """Read every finished record; where a cell was run twice, the later one counts."""
        found: dict[CellId, Record] = {}
        for shard in sorted((self.folder / _SHARDS).glob("*.jsonl"), key=lambda path: path.stat().st_mtime):
            for record in read_shard(shard, Record):
                found[CellId.of(record)] = record
        return tuple(found.values())

    def finish(self, seconds: float, *, complete: bool) -> None:
        """Note how long it took. An interrupted run's time is added up over its parts."""
        earlier = self.seconds() if (self.folder / _FINISHED).exists() else 0.0
        try:
            text = json.dumps({"seconds": round(earlier + seconds, 3), "complete": complete})
            (self.folder / _FINISHED).write_text(text)
        except OSError as error:
            raise _cannot_write(self.folder / _FINISHED, error) from error

    def seconds(self) -> float:
        """Return the wall-clock seconds of the run so far, 0 where nothing was noted."""
        try:
            return float(json.loads((self.folder / _FINISHED).read_text())["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0

    def shard(self, writer: str) -> ShardWriter:
        """Open this process's own shard for appending."""
        return ShardWriter(self.folder / _SHARDS / f"{writer}.jsonl")


class ShardWriter:
    """Appends records to one file, each as one write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: IO[bytes] | None = None

    def append(self, record: object) -> None:
        """Write one line through to the operating system before returning."""
        line = to_json(record).encode() + b"\n"
        try:
            if self._stream is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._stream = self._path.open("ab", buffering=0)
                if self._stream.tell() and not _ends_with_newline(self._path):
                    line = b"\n" + line  # the line before was cut short by a kill: do not glue ours to it
            left = memoryview(line)
            while left:  # a disk that fills up takes a part and says so only when asked for the rest
                left = left[self._stream.write(left) :]
        except OSError as error:
            self.close()  # the next line begins by looking at how this one ended
            raise _cannot_write(self._path, error) from error

    def close(self) -> None:
        """Close the file, if it was ever opened."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


@contextlib.contextmanager
def resumable() -> Iterator[None]:
    """Run a body that keeps its records as they come; a Ctrl-C in it becomes RunInterruptedError, which says so."""
    try:
        yield
    except KeyboardInterrupt:
        raise RunInterruptedError("interrupted; finished records are kept, and the same command resumes") from None


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"


def read_shard(path: Path, kind: type[_Kind]) -> Iterable[_Kind]:
    """Yield a shard's records. A line that is cut short is a kill's trace and is skipped.

    It need not be the last one: a resumed run writes on behind it. Raises UsageError for a whole line that is none.
    """
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield from_json(line, kind)
        except (json.JSONDecodeError, UnicodeDecodeError):
            continue  # cut short, be it inside a character; the cell counts as not run
        except ValueError as error:
            raise UsageError(f"{path}:{number} is not a record of this release: {error}") from error


def _cannot_write(path: Path, error: OSError) -> HarnessError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    advice = (
        "free some space, then run the same command again: finished cells are kept" if full else "choose another --out"
    )
    return HarnessError(f"cannot write {path}: {error.strerror or error}; {advice}")
