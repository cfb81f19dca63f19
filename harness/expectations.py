"""Expectations: the known failures, one TOML entry per claim, and records held against them. Pure: text in, text out.

A cell without an entry is expected to be `ok`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

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
    intermittent: tuple[Outcome, ...] = ()
    """Other outcomes that this cell has now and then; in TOML one text with commas."""

    def covers(self, cell: CellId) -> bool:
        """Whether this claim is about a cell."""
        same = (self.case, self.route, self.engine) == (cell.case, cell.route, cell.engine)
        return same and holds(self.opencv, cell.opencv)

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


_KEYS = tuple(field.name for field in fields(Expectation))
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
        if not isinstance(value, str):
            raise UsageError(f"{where}: {key!r} is {value!r}; write a text in quotes")
    for key in _NEEDED:
        if not entry.get(key):
            raise UsageError(f"{where}: {key!r} is missing; every entry needs {', '.join(_NEEDED)}")
    try:
        SpecifierSet(str(entry["opencv"]))
        words = {key: str(value) for key, value in entry.items() if value}
        stage = Stage(words.pop("stage")) if "stage" in words else None
        others = tuple(Outcome(word.strip()) for word in words.pop("intermittent", "").split(",") if word.strip())
        return Expectation(outcome=Outcome(words.pop("outcome")), stage=stage, intermittent=others, **words)
    except (ValueError, InvalidSpecifier) as error:
        raise UsageError(f"{where}: {error}") from None


@dataclass(frozen=True, slots=True)
class Expectations:
    """All claims that are in force."""

    entries: tuple[Expectation, ...] = ()

    def find(self, cell: CellId) -> Expectation | None:
        """Return the claim about a cell. Raises UsageError where two claims speak of it."""
        found = [entry for entry in self.entries if entry.covers(cell)]
        if len(found) > 1:
            raise UsageError(
                f"{len(found)} expectations speak of {cell}; make their `opencv` sets disjoint or delete one"
            )
        return found[0] if found else None

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
        return tuple(e for e in self.entries if e.case not in known_cases or e.route not in known_routes)


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
        issue=earlier.issue if earlier else "",
    )


def _reason(record: Record) -> str:
    where = f"layer {record.layer}: " if record.layer else ""
    if record.parity is not None and record.parity.margin is not None:
        # The exact error differs from machine to machine; its order of magnitude does not.
        return f"{where}output {record.parity.output} differs from TensorFlow's beyond rounding"
    return (where + (" ".join((record.message or "").split()) or record.outcome))[:300]


def update(entries: Sequence[Expectation], records: Sequence[Record]) -> tuple[Expectation, ...]:
    """Return the entries as the records say they should be: fixed ones gone, new and changed ones written.

    Entries about cells that were not run are kept untouched. A claim over several releases is narrowed by splitting
    only when a record contradicts it, so hand-written sets survive.
    """
    book = Expectations(tuple(entries))
    kept = {id(entry): entry for entry in entries}
    added: list[Expectation] = []
    for record in records:
        claim = book.find(CellId.of(record))
        if claim is not None and claim.agrees(record):
            continue
        if claim is not None:
            rest = _without(kept.pop(id(claim), None), record)
            if rest is not None:
                kept[id(claim)] = rest
        if record.outcome is not Outcome.OK:
            added.append(claim_from(record, claim))
    return tuple(sorted([*kept.values(), *added], key=lambda e: (e.case, e.route, e.opencv, e.engine)))


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
                table[key] = str(value)
        tables.append(table)
    if tables:  # an empty list would be written above the comments, which are the header of the next update
        document["expect"] = tables
    return tomlkit.dumps(document)
