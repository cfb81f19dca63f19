"""What records come to: whether a run is fine, whether a model works, and what helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.records import Judgement, Outcome, Record
from harness.routes import Route


def failed(records: Sequence[Record], planned: int) -> list[str]:
    """Return why a run is not fine, as sentences; empty where it is."""
    wrong = [record for record in records if record.judgement is not Judgement.AS_EXPECTED]
    reasons = [f"{len(wrong)} of {len(records)} cells are not as expected"] if wrong else []
    if len(records) != planned:
        reasons.append(f"{planned} cells were planned but {len(records)} reported")
    return reasons


def supported(records: Sequence[Record], routes: dict[str, Route], asked: tuple[str, ...]) -> bool:
    """Whether a checked model works: by every route asked for, or by a good route on each target where none was."""
    if asked:
        return all(record.outcome is Outcome.OK for record in records)
    good = {_place(r) for r in records if r.outcome is Outcome.OK and not routes[r.route].stock}
    return good == {_place(record) for record in records}


def _place(record: Record) -> tuple[str, str, str]:
    return record.target.opencv, record.target.engine_asked, record.target.backend


def advise(records: Sequence[Record]) -> tuple[Record, ...]:
    """Add to every failing record the routes and the releases that were run and work. Nothing untried is advised."""
    by_case: dict[str, list[Record]] = {}
    for record in records:
        by_case.setdefault(record.case, []).append(record)
    return tuple(
        record if record.outcome is Outcome.OK else replace(record, advice=_working(record, by_case[record.case]))
        for record in records
    )


def _working(record: Record, records: Sequence[Record]) -> tuple[str, ...]:
    good = [other for other in records if other.outcome is Outcome.OK]
    here = (other for other in good if _place(other) == _place(record))
    elsewhere = (other for other in good if other.route == record.route)
    found = [
        *(f"route {other.route} loads and matches on OpenCV {other.target.place}" for other in here),
        *(f"OpenCV {other.target.place} takes it by route {other.route}" for other in elsewhere),
    ]
    return tuple(dict.fromkeys(found))
