"""Expectations rewritten from records: what was fixed goes, what fails is written down, words of people stay. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from itertools import groupby

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from harness.errors import UsageError
from harness.pure.expectations import Expectation, Expectations, exactly
from harness.records import CellId, Outcome, Record

_PLACE = re.compile(r"(?:OpenCV\([^)]*\)\s*)?\S*?/?([\w.]+):\d+: error: \(-?\d+:[^)]*\)\s*")
"""Release, path, line and code that OpenCV sets before its own words; the file's name tells people most of it."""
_INLINE_NAMESPACE = re.compile(r"\bdnn\d*_v\d+::")
_REASON_LENGTH = 300
_RANGE = re.compile(r">=([^,\s]+),<=([^,\s]+)")


def update(entries: Sequence[Expectation], records: Sequence[Record]) -> tuple[Expectation, ...]:
    """Return the entries as the records say they should be: fixed ones gone, new and changed ones written.

    Entries about cells that were not run are kept untouched, and so is every set that agrees with what was run. Equal
    claims about releases that follow one another among those that were run become one.
    """
    book = Expectations(tuple(entries))
    kept = {id(entry): entry for entry in entries}
    added: list[Expectation] = []
    for record in records:
        claim = book.find(CellId.of(record))
        if claim is not None and claim.agrees(record):
            if not claim.is_pattern and claim.layer is None and id(claim) in kept:
                kept[id(claim)] = replace(kept[id(claim)], layer=record.layer)
            continue
        if claim is not None and claim.is_pattern and record.outcome is Outcome.OK:
            raise UsageError(
                f"{claim.where or 'an expectation'}: {claim.case!r} [{claim.route}] speaks of {CellId.of(record)}, "
                f"which is {record.outcome} now; a pattern cannot be rewritten, so narrow it by hand"
            )
        if claim is not None and not claim.is_pattern:
            rest = _without(kept.pop(id(claim), None), record)
            if rest is not None:
                kept[id(claim)] = rest
        if record.outcome is not Outcome.OK:
            added.append(claim_from(record, claim))
    joined = _joined(list(kept.values()), added, records)
    return tuple(sorted(joined, key=lambda e: (e.case, e.route, e.engine, _order(e))))


def claim_from(record: Record, earlier: Expectation | None) -> Expectation:
    """Return the claim that a failing record supports; an earlier claim's words are kept where they still fit."""
    keep = earlier is not None and earlier.outcome is record.outcome
    reason = earlier.reason if keep and earlier else _reason(record)
    return Expectation(
        case=record.case,
        route=record.route,
        opencv=exactly(record.target.opencv),
        outcome=record.outcome,
        reason=reason,
        engine=record.target.engine_asked,
        stage=record.stage,
        op=record.op,
        layer=record.layer,
        issue=earlier.issue if earlier else "",
        intermittent=earlier.intermittent if keep and earlier else (),
        until=earlier.until if keep and earlier else None,
        where=earlier.where if earlier and not earlier.is_pattern else "",
    )


def _reason(record: Record) -> str:
    where = f"layer {record.layer}: " if record.layer else ""
    if record.parity is not None and record.parity.margin is not None:
        # The exact error differs from machine to machine; its order of magnitude does not.
        return f"{where}output {record.parity.output} differs from TensorFlow's beyond rounding"
    words = " ".join((record.message or "").split())
    words = _INLINE_NAMESPACE.sub("", _PLACE.sub(r"\1: ", words))
    return (where + (words or record.outcome))[:_REASON_LENGTH]


def _without(claim: Expectation | None, record: Record) -> Expectation | None:
    """Take one release out of a claim's set; None where nothing is left of it."""
    only = exactly(record.target.opencv)
    if (
        claim is None
        or only in claim.opencv.replace(" ", "").split(",")
        or SpecifierSet(claim.opencv) == SpecifierSet(only)
    ):
        return None
    return replace(claim, opencv=f"{claim.opencv},!={record.target.opencv}")


# -- claims about releases in a row ------------------------------------------------------------------------------------


def _joined(
    kept: Sequence[Expectation], added: Sequence[Expectation], records: Sequence[Record]
) -> Iterator[Expectation]:
    """Yield all claims, those about neighbouring releases in one where they say the same."""
    new = set(map(id, added))
    alive: list[Expectation] = []  # what is gone may leave its id to another
    ran = _ran(records)
    ordered = sorted([*kept, *added], key=lambda claim: (repr(_same(claim)), _order(claim)))
    for _, group in groupby(ordered, key=lambda claim: repr(_same(claim))):
        last: Expectation | None = None
        for claim in group:
            both = None if last is None else _join(last, claim, new, ran)
            if both is None and last is not None:
                yield last
            if both is not None and (id(last) in new and id(claim) in new):
                alive.append(both)
                new.add(id(both))
            last = both or claim
        if last is not None:
            yield last


def _join(
    one: Expectation, other: Expectation, new: set[int], ran: dict[tuple[str, ...], list[str]]
) -> Expectation | None:
    """Return two claims as one, where their releases follow one another among those that were run; else None."""
    first, then = _ends(one.opencv), _ends(other.opencv)
    if first is None or then is None or not _follow(first[1], then[0], ran.get(_key(one), [])):
        return None
    if one.reason == other.reason or id(one) in new:  # of two new ones the later release's words
        return replace(other, opencv=f">={first[0]},<={then[1]}")
    if id(other) in new:
        return replace(one, opencv=f">={first[0]},<={then[1]}")
    return None


def _follow(one: str, other: str, ran: Sequence[str]) -> bool:
    return one in ran and other in ran and ran.index(other) == ran.index(one) + 1


def _ran(records: Iterable[Record]) -> dict[tuple[str, ...], list[str]]:
    """Return per case, route and engine the releases that were run, oldest first."""
    found: dict[tuple[str, ...], list[str]] = {}
    for record in records:
        key = (record.case, record.route, record.target.engine_asked)
        if _version(record.target.opencv) is not None:
            found.setdefault(key, []).append(str(Version(record.target.opencv)))
    return {key: sorted(releases, key=Version) for key, releases in found.items()}


def _key(claim: Expectation) -> tuple[str, ...]:
    return (claim.case, claim.route, claim.engine)


def _same(claim: Expectation) -> tuple[object, ...]:
    """Return all of a claim but its releases and its words."""
    return tuple(
        getattr(claim, field.name) for field in fields(claim) if field.name not in {"opencv", "reason", "where"}
    )


def _ends(versions: str) -> tuple[str, str] | None:
    """Return the first and last release of `==a` or `>=a,<=b`; None for any other set."""
    plain = versions.replace(" ", "")
    found = _RANGE.fullmatch(plain)
    if found:
        return found[1], found[2]
    only = plain.removeprefix("==")
    return (only, only) if plain.startswith("==") and _version(only) is not None else None


def _order(claim: Expectation) -> tuple[Version, str]:
    ends = _ends(claim.opencv)
    low = _version(ends[0]) if ends else None
    return low or Version("0"), claim.opencv


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
