"""What changed since a baseline: another run's records held against this one's, release by release. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from harness.pure.differing import Change, Difference, compare, key_of
from harness.records import Record
from harness.report.model import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The run to compare with."""

    name: str
    """How the user named it."""
    started: str
    versions: Mapping[str, str]
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """One difference, with the cell that it leads to."""

    release: str
    """The release, or `before -> after` where the runs have none in common."""
    difference: Difference
    anchor: str | None
    """Anchor of the cell on the page; None where it was not run this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """All that changed, worst first."""

    baseline: Baseline
    cells: int
    """Cells that both runs have."""
    alike: int
    found: tuple[Since, ...]
    counts: dict[Change, int]
    versions: tuple[tuple[str, str, str], ...]
    """Packages of another version: name, before, now."""


def changes_since(
    baseline: Baseline, versions: Mapping[str, str], cells: Sequence[Cell], anchors: Mapping[str, str]
) -> Changes:
    """Return how a run's cells differ from the baseline's; `anchors` are where the page has each, by the cell's id.

    Releases that both have are held against each other by name; where there is none, the newest against the newest.
    """
    records = [cell.record for cell in cells]
    places = {(key_of(cell.record), cell.column.opencv): anchors[cell.id] for cell in cells}
    found: list[Since] = []
    both = alike = 0
    for before, after in _pairs(baseline.records, records):
        comparison = compare(_of(baseline.records, before), _of(records, after))
        both, alike = both + comparison.cells, alike + comparison.alike
        name = after if before == after else f"{before} -> {after}"
        found += [
            Since(release=name, difference=one, anchor=places.get((one.cell, after))) for one in comparison.differences
        ]
    order = list(Change)
    found.sort(key=lambda one: (order.index(one.difference.change), str(one.difference.cell), one.release))
    return Changes(
        baseline=baseline,
        cells=both,
        alike=alike,
        found=tuple(found),
        counts={change: n for change in order if (n := sum(one.difference.change is change for one in found))},
        versions=tuple(
            (name, baseline.versions.get(name, "none"), versions.get(name, "none"))
            for name in sorted({*baseline.versions, *versions})
            if baseline.versions.get(name) != versions.get(name)
        ),
    )


def _pairs(before: Sequence[Record], after: Sequence[Record]) -> list[tuple[str, str]]:
    old, new = ({record.target.opencv for record in side} for side in (before, after))
    if not old or not new:
        return []
    shared = sorted(old & new, key=_age)
    return [(release, release) for release in shared] or [(max(old, key=_age), max(new, key=_age))]


def _of(records: Sequence[Record], release: str) -> list[Record]:
    return [record for record in records if record.target.opencv == release]


def _age(release: str) -> tuple[Version, str]:
    try:
        return Version(release), release
    except InvalidVersion:
        return Version("0.dev0"), release
