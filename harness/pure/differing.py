"""What another OpenCV changes, cell by cell: records before held against records after. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from harness.evidence import Parity
from harness.pure.pace import Pace, Speed
from harness.pure.profiles import LayerPair, side_by_side
from harness.records import CPU, Outcome, Record


class Change(StrEnum):
    """How a cell differs, worst first."""

    BROKEN = "newly-broken"
    IMPORTER_GONE = "importer-gone"
    NUMERICS = "numerics"
    CHANGED = "changed"
    PROPERTY = "property"
    LAYOUT = "layout"
    SLOWER = "slower"
    MISSING = "not-run-after"
    FIXED = "fixed"
    IMPORTER_NEW = "importer-new"
    FASTER = "faster"
    ADDED = "not-run-before"


WORSE = frozenset({Change.BROKEN, Change.IMPORTER_GONE, Change.NUMERICS, Change.CHANGED, Change.MISSING})
"""What fails a comparison unless the user says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What the two cells of a comparison have in common."""

    case: str
    route: str
    engine: str
    backend: str = CPU

    def __str__(self) -> str:
        """Return it as reports name it."""
        engine = "" if self.engine == "default" else f", {self.engine}"
        backend = "" if self.backend == CPU else f", {self.backend}"
        return f"{self.case} [{self.route}{engine}{backend}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One way in which one cell differs."""

    change: Change
    cell: Key
    what: str
    """Before -> after, in words."""
    layer: str | None = None
    op: str | None = None
    advice: tuple[str, ...] = ()
    """Ways that were run on the later release and work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellLayers:
    """One cell's forward pass by layers, before and after."""

    cell: Key
    before_ms: float
    """The whole pass."""
    after_ms: float
    layers: tuple[LayerPair, ...]
    """What changed most first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two releases over the same cells."""

    before: str
    """Release, or releases, of the records before."""
    after: str
    cells: int
    """Cells that were run on both."""
    alike: int
    """Those without any difference."""
    differences: tuple[Difference, ...]
    paces: tuple[Pace, ...] = ()
    """Interleaved timings; empty where none were made."""
    profiles: tuple[CellLayers, ...] = ()
    """Cells that were profiled on both sides, by layer, what changed most first: of figures, and not of noise."""
    versions: dict[str, str] = field(default_factory=dict)

    def count(self, change: Change) -> int:
        """Return how many differences are of a kind."""
        return sum(found.change is change for found in self.differences)

    def fails(self, kinds: Iterable[Change]) -> bool:
        """Whether any of these kinds occurred."""
        wanted = set(kinds)
        return any(found.change in wanted for found in self.differences)


def compare(
    before: Sequence[Record],
    after: Sequence[Record],
    paces: Sequence[Pace] = (),
    versions: Mapping[str, str] | None = None,
) -> Comparison:
    """Return how records after differ from records before; a cell is found again by case, route, engine and backend."""
    old, new = ({key_of(record): record for record in records} for records in (before, after))
    found = [difference for key in {**old, **new} for difference in _differences(key, old.get(key), new.get(key))]
    found += [difference for pace in paces for difference in _speed(pace)]
    both = old.keys() & new.keys()
    return Comparison(
        before=_releases(before),
        after=_releases(after),
        cells=len(both),
        alike=len(both - {difference.cell for difference in found}),
        differences=tuple(sorted(found, key=lambda one: (list(Change).index(one.change), str(one.cell)))),
        paces=tuple(paces),
        profiles=tuple(sorted(_profiles(old, new), key=lambda one: -abs(one.after_ms - one.before_ms))),
        versions=dict(versions or {}),
    )


def _profiles(old: Mapping[Key, Record], new: Mapping[Key, Record]) -> Iterator[CellLayers]:
    for key in sorted(old.keys() & new.keys(), key=str):
        before, after = (side[key].latency for side in (old, new))
        if before is not None and after is not None and before.profile is not None and after.profile is not None:
            yield CellLayers(
                cell=key,
                before_ms=before.profile.forward_ms,
                after_ms=after.profile.forward_ms,
                layers=side_by_side(before.profile, after.profile),
            )


def key_of(record: Record) -> Key:
    """Return a record's cell without its release."""
    target = record.target
    return Key(case=record.case, route=record.route, engine=target.engine_asked, backend=target.backend)


def _releases(records: Iterable[Record]) -> str:
    return ", ".join(dict.fromkeys(record.target.opencv for record in records)) or "nothing"


def _differences(key: Key, old: Record | None, new: Record | None) -> Iterator[Difference]:
    if old is None or new is None:
        there = old or new
        if there is not None:
            side = Change.ADDED if old is None else Change.MISSING
            yield Difference(change=side, cell=key, what=f"{in_words(there)} in the one, not run in the other")
        return
    change = _outcome_change(old, new)
    if change is not None:
        layer, op = (new.layer, new.op) if new.outcome is not Outcome.OK else (old.layer, old.op)
        what = f"{in_words(old)} -> {in_words(new)}"
        yield Difference(change=change, cell=key, what=what, layer=layer, op=op, advice=new.advice)
    elif old.parity is not None and new.parity is not None and _numbers_moved(old.parity, new.parity):
        what = f"error {_error(old.parity)} -> {_error(new.parity)}, allowed are {new.parity.allowed:.3g}"
        yield Difference(change=Change.NUMERICS, cell=key, what=what, layer=new.layer, op=new.op)
    yield from _properties(key, old, new)
    if old.layout is not None and new.layout is not None and old.layout != new.layout:
        what = f"{old.layout.input} -> {old.layout.output} became {new.layout.input} -> {new.layout.output}"
        yield Difference(change=Change.LAYOUT, cell=key, what=what)


def _outcome_change(old: Record, new: Record) -> Change | None:
    absent = Outcome.ROUTE_ABSENT
    if (old.outcome is absent) != (new.outcome is absent):
        return Change.IMPORTER_GONE if new.outcome is absent else Change.IMPORTER_NEW
    if (old.outcome is Outcome.OK) != (new.outcome is Outcome.OK):
        return Change.FIXED if new.outcome is Outcome.OK else Change.BROKEN
    return None if (old.outcome, old.stage, old.op) == (new.outcome, new.stage, new.op) else Change.CHANGED


def _numbers_moved(old: Parity, new: Parity) -> bool:
    """Whether the error itself moved by more than is allowed: both may be wrong, and differently so."""
    if old.max_abs is None or new.max_abs is None:
        return old.max_abs != new.max_abs
    return abs(old.max_abs - new.max_abs) > max(old.allowed, new.allowed)


def _error(parity: Parity) -> str:
    return "not finite" if parity.max_abs is None else f"{parity.max_abs:.3g}"


def _properties(key: Key, old: Record, new: Record) -> Iterator[Difference]:
    held = {found.name: found.held for found in old.properties}
    for found in new.properties:
        if held.get(found.name, found.held) != found.held:
            what = f"{found.name} {'holds now' if found.held else 'does not hold any more'}"
            yield Difference(change=Change.PROPERTY, cell=key, what=what)


def _speed(pace: Pace) -> Iterator[Difference]:
    if pace.speed in {Speed.SLOWER, Speed.FASTER}:
        change = Change.SLOWER if pace.speed is Speed.SLOWER else Change.FASTER
        yield Difference(change=change, cell=Key(case=pace.case, route=pace.route, engine=pace.engine), what=str(pace))


def in_words(record: Record) -> str:
    """Return an outcome with what is to blame for it."""
    if record.outcome is Outcome.OK:
        return "ok"
    where = f" at {record.stage}" if record.stage else ""
    blame = ", ".join(filter(None, (record.op, record.layer and f"layer {record.layer}", record.signal)))
    return f"{record.outcome}{where}{f' ({blame})' if blame else ''}"
