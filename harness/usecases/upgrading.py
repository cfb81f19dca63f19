"""From one OpenCV to another: the same models on both, what differs, and how fast each is, in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.cases import select
from harness.cells.subjects import Cell, Subject, from_case, from_text
from harness.errors import UsageError
from harness.pure.differing import Comparison, compare
from harness.records import CellId, Record
from harness.timings import Profile
from harness.usecases.answers import advise
from harness.usecases.planning import cell_id
from harness.usecases.session import Session, shown_versions
from harness.usecases.turns import Timed, pairs_of, timed_in_turns

_GLOBS = set("*?[")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Records with their cells, before and after."""

    before: tuple[Timed, ...]
    after: tuple[Timed, ...]

    @property
    def records(self) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
        """The records of each side."""
        return tuple(one for one, _ in self.before), tuple(one for one, _ in self.after)


def models_of(session: Session, words: Sequence[str]) -> tuple[Subject, ...]:
    """Return the models that some words mean: files, callables, cases, `core`, globs. Raises UsageError."""
    zoo = session.settings.zoo
    found: list[Subject] = []
    for word in words:
        if word in {"core", "full"} or _GLOBS & set(word):
            found += [from_case(case, zoo) for case in select(session.zoo(), word) if not case.missing_packages()]
        else:
            found.append(from_text(word, zoo=zoo))
    return tuple({subject.id: subject for subject in found}.values())


def cells_of(session: Session, subjects: Sequence[Subject]) -> list[Cell]:
    """Return the cells of some models on both OpenCV. Raises UsageError where one of those cannot be had."""
    targets = session.targets()
    if len({target.opencv for target in targets.values()}) != 2:
        told = "; ".join(f"{name}: {why}" for name, why in session.seats.unavailable.items())
        raise UsageError(
            f"an upgrade needs two OpenCV; {told or 'both words mean ' + next(iter(targets.values())).opencv}"
        )
    return [cell for subject in subjects for cell in session.cells(subject, quick=True)]


def sides_of(session: Session, cells: Sequence[Cell], records: Sequence[Record]) -> Sides:
    """Return records and cells by OpenCV: the first word of the settings is before."""
    known = {cell_id(cell): cell for cell in cells}
    first = next(iter(session.targets().values())).opencv
    advised = advise(records)
    both = [(record, known[CellId.of(record)]) for record in advised]
    return Sides(
        before=tuple(one for one in both if one[0].target.opencv == first),
        after=tuple(one for one in both if one[0].target.opencv != first),
    )


def compared(session: Session, sides: Sides, step: Callable[[str], None], *, timing: bool = True) -> Comparison:
    """Return what differs, with interleaved timings of what works on both."""
    pairs = pairs_of(sides.before, sides.after) if timing else []
    found = list(timed_in_turns(session, pairs, step))
    profiles = {(one.pace.case, one.pace.route, one.pace.engine): one.profiles for one in found}
    before, after = (
        [_profiled(record, profiles.get(_place(record)), side) for record in records]
        for side, records in enumerate(sides.records)
    )
    return compare(before, after, [one.pace for one in found], versions=shown_versions())


def _place(record: Record) -> tuple[str, str, str]:
    return record.case, record.route, record.target.engine_asked


def _profiled(record: Record, profiles: tuple[Profile, Profile] | None, side: int) -> Record:
    """Return a record with the layers' times of its side, where it got slower or faster."""
    if profiles is None or record.latency is None:
        return record
    return replace(record, latency=replace(record.latency, profile=profiles[side]))
