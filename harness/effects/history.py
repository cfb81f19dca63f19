"""How long cells took before: a small database beside the artifacts, shared by all runs that use this store.

It decides order and deadlines, never an outcome; a lost or damaged one costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.records import CellId, Outcome, Record

_TABLE = """
create table if not exists cells (
    case_id text, route text, opencv text, engine text, backend text, seconds real, load_ms real, forward_ms real,
    primary key (case_id, route, opencv, engine, backend)
)
"""
_RUN_STEPS = ("opencv", "properties", "compare", "locate")
"""Steps of a cell whose artifact and references are in the store."""
_PATIENCE = 50.0
"""How many times the longest ever measured a load or a forward may take: another release, a busy machine."""
_LEAST_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds that one load and one forward pass may take."""

    load: float
    forward: float


class History:
    """Seconds by cell. Every method is safe from any thread, and does nothing where the file cannot be used."""

    def __init__(self, file: Path) -> None:
        """Take the file; it is made when first written to."""
        self._file = file
        self._guard = threading.Lock()
        self._seconds: dict[CellId, float] | None = None
        self._longest: dict[tuple[str, str], tuple[float, float]] = {}

    def seconds(self, cell: CellId) -> float | None:
        """Return how long a cell took last, without exports; None where it is not known."""
        return self._known().get(cell)

    def deadlines(self, cell: CellId, *, most: Deadlines) -> Deadlines:
        """Return a cell's own deadlines: many times what the same file took on any release, within `most`."""
        self._known()
        longest = self._longest.get((cell.case, cell.route))
        if longest is None:
            return most
        load, forward = (max(_LEAST_SECONDS, _PATIENCE * one / 1000) for one in longest)
        return Deadlines(load=min(most.load, load), forward=min(most.forward, forward))

    def add(self, records: Sequence[Record]) -> None:
        """Remember what some records say."""
        rows = [_row(record) for record in records]

        def write(database: sqlite3.Connection) -> None:
            database.execute(_TABLE)
            database.executemany("insert or replace into cells values (?, ?, ?, ?, ?, ?, ?, ?)", rows)

        self._with_database(write)

    def _known(self) -> dict[CellId, float]:
        with self._guard:
            if self._seconds is None:
                self._seconds = {}
                if self._file.exists():
                    self._with_database(self._read)
            return self._seconds

    def _read(self, database: sqlite3.Connection) -> None:
        seconds = self._seconds = {}
        for case, route, opencv, engine, backend, took, load, forward in database.execute("select * from cells"):
            seconds[CellId(case=case, route=route, opencv=opencv, engine=engine, backend=backend)] = took
            if load is not None and forward is not None:
                before = self._longest.get((case, route), (0.0, 0.0))
                self._longest[case, route] = (max(before[0], load), max(before[1], forward))

    def _with_database(self, work: Callable[[sqlite3.Connection], None]) -> None:
        # Nothing here may cost a run: not a read-only store, not a file that is no database, nor one of other columns.
        with contextlib.suppress(sqlite3.Error, OSError, ValueError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self._file, timeout=10)) as database, database:
                work(database)


def _row(record: Record) -> tuple[str | float | None, ...]:
    cell = CellId.of(record)
    took = sum(record.seconds.get(step, 0.0) for step in _RUN_STEPS)
    ran = record.latency if record.outcome is Outcome.OK else None
    load, forward = (ran.load_ms, ran.forward_ms.p95) if ran else (None, None)
    return (cell.case, cell.route, cell.opencv, cell.engine, cell.backend, took, load, forward)
