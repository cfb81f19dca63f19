"""Expectations: the known failures, one TOML entry per claim, and records held against them. Pure: text in, text out.

A cell without an entry is expected to be `ok`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from fnmatch import fnmatchcase
from functools import cache

import tomlkit
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from harness.errors import UsageError
from harness.records import CellId, Judgement, Outcome, Record, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One claim: this case by this route fails like this on these releases."""

    case: str
    route: str
    opencv: str
    """PEP 440 set of wheel releases, no wider than what was run."""
    outcome: Outcome
    reason: str
    engine: str = "default"
    stage: Stage | None = None
    op: str | None = None
    issue: str = ""
    layer: str | None = None
    """For people: another Keras names its layers otherwise, so that it is not compared."""
    intermittent: tuple[Outcome, ...] = ()
    """Other outcomes that this cell has now and then; in TOML one text with commas."""
    until: date | None = None
    """Last day of a quarantine; from then on the claim is as if it were not there."""
    where: str = field(default="", compare=False)
    """File and line it was read from."""

    @property
    def is_pattern(self) -> bool:
        """Whether it speaks of many cases or routes: `*`, `?` and `[...]` as in file names."""
        return bool(_GLOB.search(self.case) or _GLOB.search(self.route))

    def covers(self, cell: CellId) -> bool:
        """Whether this claim is about a cell."""
        return (
            self.engine == cell.engine
            and _fits(self.case, cell.case)
            and _fits(self.route, cell.route)
            and holds(self.opencv, cell.opencv)
        )

    def agrees(self, record: Record) -> bool:
        """Whether the record is as claimed; what the claim leaves open is not compared."""
        usual = record.outcome is self.outcome and self.stage in {None, record.stage} and self.op in {None, record.op}
        return usual or record.outcome in self.intermittent

    def __str__(self) -> str:
        """Return the claim as one phrase for people."""
        where = f" at {self.stage}" if self.stage else ""
        what = f" ({self.op})" if self.op else ""
        others = f", or now and then {', '.join(self.intermittent)}" if self.intermittent else ""
        return f"{self.outcome}{where}{what}{others}: {self.reason}"


_GLOB = re.compile(r"[*?[]")
_NAMED = re.compile(r"(?:===|[=!<>~]=|[<>])\s*([^,\s*]+?)(?=\.\*|[,\s]|$)")
_NUMBERS = re.compile(r"\d+(\.\d+)*")


def _fits(pattern: str, name: str) -> bool:
    return pattern == name or (_GLOB.search(pattern) is not None and fnmatchcase(name, pattern))


@cache
def holds(versions: str, release: str) -> bool:
    """Whether a release (`5.0.0.93`, or `5.0.0` of a source build) is in a PEP 440 set."""
    try:
        return SpecifierSet(versions).contains(Version(release), prereleases=True)
    except InvalidVersion:  # a build named by `git describe`: PEP 440 has nothing but `===` for it
        return f"==={release}" in {part.strip() for part in versions.split(",")}


def exactly(release: str) -> str:
    """Return the narrowest set that holds a release."""
    try:
        return f"=={Version(release)}"
    except InvalidVersion:
        return f"==={release}"


_KEYS = tuple(field.name for field in fields(Expectation) if field.compare)
_HOW = {"until": "a day: 2026-12-31, without quotes"}
_NEEDED = ("case", "route", "opencv", "outcome", "reason")


def parse(text: str, name: str) -> tuple[Expectation, ...]:
    """Read one TOML file's entries. Raises UsageError with `name` and the line for anything that is not right."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name} is no TOML: {error}") from None
    unknown = set(data) - {"expect"}
    if unknown:
        raise UsageError(f"{name}: unknown key {min(unknown)!r}; a file holds [[expect]] tables only")
    entries = data.get("expect", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"{name}: 'expect' is {entries!r}; write [[expect]] tables")
    return tuple(_entry(entry, where) for entry, where in zip(entries, _places(text, name, len(entries)), strict=True))


def _places(text: str, name: str, count: int) -> list[str]:
    """Return where each entry begins: by line, or by number where the tables are not written as usual."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*expect\s*\]\]", line)]
    if len(lines) == count:
        return [f"{name}:{line}" for line in lines]
    return [f"{name}, entry {number}" for number in range(1, count + 1)]


def _entry(entry: dict[str, object], where: str) -> Expectation:
    for key, value in entry.items():
        if key not in _KEYS:
            raise UsageError(f"{where}: unknown key {key!r}; an entry has {', '.join(_KEYS)}")
        if not isinstance(value, date if key == "until" else str) or isinstance(value, datetime):
            raise UsageError(f"{where}: {key!r} is {value!r}; write {_HOW.get(key, 'a text in quotes')}")
    for key in _NEEDED:
        if not entry.get(key):
            raise UsageError(f"{where}: {key!r} is missing; every entry needs {', '.join(_NEEDED)}")
    try:
        SpecifierSet(str(entry["opencv"]))
        until = entry.get("until")
        words = {key: str(value) for key, value in entry.items() if value and key != "until"}
        stage = Stage(words.pop("stage")) if "stage" in words else None
        others = tuple(Outcome(word.strip()) for word in words.pop("intermittent", "").split(",") if word.strip())
        return Expectation(
            outcome=Outcome(words.pop("outcome")),
            stage=stage,
            intermittent=others,
            until=until if isinstance(until, date) else None,
            where=where,
            **words,
        )
    except (ValueError, InvalidSpecifier) as error:
        raise UsageError(f"{where}: {error}") from None


class Expectations:
    """All claims that are in force on a day: quarantines that have ended are not."""

    def __init__(self, entries: Sequence[Expectation] = (), today: date = date.min) -> None:
        """Take all claims. Raises UsageError, with file and line, where two of them speak of one cell."""
        self.entries = tuple(entries)
        in_force = [entry for entry in self.entries if entry.until is None or entry.until >= today]
        self._patterns = [entry for entry in in_force if entry.is_pattern]
        self._by_case: dict[tuple[str, str, str], list[Expectation]] = {}
        for entry in in_force:
            if not entry.is_pattern:
                self._by_case.setdefault((entry.case, entry.route, entry.engine), []).append(entry)
        self._refuse_overlaps()

    def _refuse_overlaps(self) -> None:
        for exact in self._by_case.values():
            for place, entry in enumerate(exact):
                for other in exact[place + 1 :]:
                    _refuse_overlap(entry, other)

    def find(self, cell: CellId) -> Expectation | None:
        """Return the claim about a cell; one that names it goes before a pattern.

        Raises UsageError where two patterns speak of it.
        """
        exact = self._by_case.get((cell.case, cell.route, cell.engine), ())
        found = [entry for entry in exact if entry.covers(cell)] or self.patterns_of(cell)
        if len(found) > 1:
            places = ", ".join(entry.where or repr(entry.case) for entry in found)
            raise UsageError(
                f"{len(found)} expectations speak of {cell}: {places}; make their `opencv` sets disjoint or delete one"
            )
        return found[0] if found else None

    def patterns_of(self, cell: CellId) -> list[Expectation]:
        """Return the patterns in force that speak of a cell."""
        return [entry for entry in self._patterns if entry.covers(cell)]

    def judge(self, record: Record) -> tuple[Judgement, str | None]:
        """Hold a record against its claim; returns the judgement and the claim in words."""
        claim = self.find(CellId.of(record))
        if claim is None:
            return (Judgement.AS_EXPECTED if record.outcome is Outcome.OK else Judgement.NEW_FAILURE), None
        if claim.agrees(record):
            return Judgement.AS_EXPECTED, str(claim)
        return (Judgement.FIXED if record.outcome is Outcome.OK else Judgement.CHANGED_FAILURE), str(claim)

    def stale(self, cases: Iterable[str], routes: Iterable[str]) -> tuple[Expectation, ...]:
        """Return the claims about cases or routes that do not exist any more."""
        known_cases, known_routes = set(cases), set(routes)

        def known(entry: Expectation) -> bool:
            return _names_one(entry.case, known_cases) and _names_one(entry.route, known_routes)

        return tuple(entry for entry in self.entries if not known(entry))


def _names_one(pattern: str, names: set[str]) -> bool:
    return pattern in names or (_GLOB.search(pattern) is not None and any(fnmatchcase(name, pattern) for name in names))


def _refuse_overlap(one: Expectation, other: Expectation) -> None:
    both = next((release for release in corners(one.opencv, other.opencv) if _in_both(one, other, release)), None)
    if both is not None:
        raise UsageError(
            f"{other.where or 'an expectation'}: {one.where or 'another'} speaks of {one.case} [{one.route}, OpenCV "
            f"{both}/{one.engine}] as well; make their `opencv` sets disjoint or delete one"
        )


def _in_both(one: Expectation, other: Expectation, release: str) -> bool:
    return holds(one.opencv, release) and holds(other.opencv, release)


def corners(*sets: str) -> tuple[str, ...]:
    """Return releases among which every set begins and ends: those that are named, one before all, one after each.

    Between two of them no set changes, so what holds for none of these holds for no release.
    """
    named = [mark for versions in sets for mark in _NAMED.findall(versions)]
    beyond = [f"{mark}.0.0.1" for mark in named if _NUMBERS.fullmatch(mark)]
    return tuple(dict.fromkeys(("0", *named, *beyond)))


def render(entries: Iterable[Expectation], header: str) -> str:
    """Return entries as TOML, one table each, empty fields left out."""
    document = tomlkit.document()
    for line in header.splitlines():
        document.add(tomlkit.comment(line))
    tables = tomlkit.aot()
    for entry in entries:
        table = tomlkit.table()
        for key in _KEYS:
            value = ", ".join(entry.intermittent) if key == "intermittent" else getattr(entry, key)
            if value not in {None, ""} and (key, value) != ("engine", "default"):
                table[key] = value if isinstance(value, date) else str(value)
        tables.append(table)
    if tables:  # an empty list would be written above the comments, which are the header of the next update
        document["expect"] = tables
    return tomlkit.dumps(document)
