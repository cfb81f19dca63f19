"""A run over the backend tests on disk: its plan, and one JSON line per case that has ended, in a shard of its own."""

from __future__ import annotations

import os
from pathlib import Path

from harness.effects.store import ShardWriter, read_shard
from harness.encoding import from_json, to_json
from harness.errors import HarnessError, UsageError
from harness.operators import OperatorCell, OperatorPlan, OperatorRecord

_PLAN = "plan.json"
_SHARD = "operators.jsonl"


class OperatorRun:
    """One run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, plan: OperatorPlan) -> tuple[OperatorRecord, ...]:
        """Write the plan and return what an interrupted run of the same plan left; else start afresh."""
        earlier = self._plan()
        if earlier is not None and (earlier.cells, earlier.fingerprint) == (plan.cells, plan.fingerprint):
            left = self.records()
            if len(left) < len(plan.cells):  # a run that was finished is not resumed but repeated
                return left
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / _SHARD).unlink(missing_ok=True)
            draft = self.folder / f"{_PLAN}.{os.getpid()}"
            draft.write_text(to_json(plan), encoding="utf-8")
            draft.replace(self.folder / _PLAN)
        except OSError as error:
            raise HarnessError(
                f"cannot write {self.folder}: {error.strerror or error}; choose another --out"
            ) from error
        return ()

    def _plan(self) -> OperatorPlan | None:
        """Return the plan of whatever run is there; None for nothing, and for what is none of ours."""
        try:
            return from_json((self.folder / _PLAN).read_text(encoding="utf-8"), OperatorPlan)
        except (OSError, ValueError):
            return None

    def records(self) -> tuple[OperatorRecord, ...]:
        """Read every finished case; where one was run twice, the later record counts."""
        path = self.folder / _SHARD
        found: dict[OperatorCell, OperatorRecord] = {}
        if path.exists():
            for record in read_shard(path, OperatorRecord):
                found[record.cell] = record
        return tuple(found.values())

    def writer(self) -> ShardWriter:
        """Open the shard for appending."""
        if self._plan() is None:
            raise UsageError(f"{self.folder} has no plan of a run yet; begin one")
        return ShardWriter(self.folder / _SHARD)
