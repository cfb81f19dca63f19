"""The atlas: what every release makes of every case by every route, as spans of releases. Pure: records in, spans out.

Compact enough to be committed and read in an instant; it holds outcomes, not evidence, which the run's records have.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from packaging.version import InvalidVersion, Version

from harness.records import CellId, Outcome, Record, Stage

_WORDS_KEPT = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Releases in a row that answer alike."""

    first: int
    """Place of the oldest of them among the atlas's releases."""
    last: int
    outcome: Outcome
    stage: Stage | None = None
    op: str | None = None
    """First operation that fails."""
    layer: str | None = None
    message: str | None = None
    """Beginning of the newest release's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """One case by one route and engine over all releases, oldest first."""

    route: str
    spans: tuple[Span, ...]
    engine: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class AtlasCase:
    """A case and its answers."""

    case: str
    layers: tuple[str, ...]
    """Keras classes in it; of a case about one layer, that one first."""
    answers: tuple[Answers, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Atlas:
    """All of it, with what it was made from."""

    made: str
    """ISO 8601, UTC."""
    command: str
    releases: tuple[str, ...]
    """Oldest first."""
    cases: tuple[AtlasCase, ...]
    versions: dict[str, str] = field(default_factory=dict)
    cells: int = 0
    """How many cells were run for it."""


def build_atlas(
    records: Sequence[Record],
    layers: Mapping[str, Sequence[str]],
    *,
    made: str,
    command: str,
    versions: Mapping[str, str],
) -> Atlas:
    """Return the atlas of some records on the usual backend; `layers` are the Keras classes of the cases."""
    releases = tuple(sorted({record.target.opencv for record in records}, key=_age))
    places = {release: place for place, release in enumerate(releases)}
    cases: dict[str, dict[tuple[str, str], list[Record]]] = {}
    for record in records:
        cases.setdefault(record.case, {}).setdefault((record.route, record.target.engine_asked), []).append(record)
    return Atlas(
        made=made,
        command=command,
        releases=releases,
        versions=dict(versions),
        cells=len({CellId.of(record) for record in records}),
        cases=tuple(
            AtlasCase(
                case=case,
                layers=_own_first(case, layers.get(case, ())),
                answers=tuple(
                    Answers(route=route, engine=engine, spans=tuple(_spans(found, places)))
                    for (route, engine), found in sorted(ways.items())
                ),
            )
            for case, ways in sorted(cases.items())
        ),
    )


def _age(release: str) -> tuple[Version, str]:
    try:
        return Version(release), release
    except InvalidVersion:
        return Version("0"), release


def _own_first(case: str, layers: Sequence[str]) -> tuple[str, ...]:
    """Return the classes, the one that the case is named after first: `layers/layer_normalization/axis`."""
    named = case.split("/")[1].replace("_", "") if case.startswith("layers/") and "/" in case else ""
    ordered = sorted(layers, key=lambda name: (name.lower() != named, name))
    return tuple(name for name in ordered if name != "InputLayer")


def _spans(records: Iterable[Record], places: Mapping[str, int]) -> Iterator[Span]:
    ordered = sorted(records, key=lambda record: places[record.target.opencv])
    for _, group in groupby(_with_gaps(ordered, places), key=lambda pair: (pair[0], _answer(pair[1]))):
        found = [record for _, record in group]
        newest = found[-1]
        yield Span(
            first=places[found[0].target.opencv],
            last=places[newest.target.opencv],
            outcome=newest.outcome,
            stage=newest.stage,
            op=newest.op,
            layer=newest.layer,
            message=" ".join(newest.message.split())[:_WORDS_KEPT] if newest.message else None,
        )


def _with_gaps(records: Sequence[Record], places: Mapping[str, int]) -> Iterator[tuple[int, Record]]:
    """Yield each record with a number that changes where a release between was not run."""
    for order, record in enumerate(records):
        yield places[record.target.opencv] - order, record


def _answer(record: Record) -> tuple[object, ...]:
    return record.outcome, record.stage, record.op


# -- questions ---------------------------------------------------------------------------------------------------------


def find_cases(atlas: Atlas, word: str) -> tuple[AtlasCase, ...]:
    """Return the cases that a word means: a Keras class (those about it, then networks with it), else part of an id."""
    lower = word.lower().replace("_", "")
    about = [case for case in atlas.cases if _is_about(case, lower)]
    within = [case for case in atlas.cases if lower in {layer.lower() for layer in case.layers}]
    named = [case for case in atlas.cases if word.lower() in case.case.lower()]
    return tuple({case.case: case for case in (*about, *within)}.values()) or tuple(named)


def _is_about(case: AtlasCase, lower: str) -> bool:
    return case.case.startswith("layers/") and bool(case.layers) and case.layers[0].lower() == lower


def near_words(atlas: Atlas, word: str) -> list[str]:
    """Return classes and cases whose names are like a word."""
    classes = {layer.lower(): layer for case in atlas.cases for layer in case.layers}
    names = {**{case.case: case.case for case in atlas.cases}, **classes}
    return [names[name] for name in difflib.get_close_matches(word.lower(), names, n=3, cutoff=0.6)]


def at(answers: Answers, place: int) -> Span | None:
    """Return what one release answers; None where it was not run."""
    return next((span for span in answers.spans if span.first <= place <= span.last), None)


def in_words(atlas: Atlas, answers: Answers) -> str:
    """Return since when and until when it works, and what happens otherwise, newest first."""
    return "; ".join(phrase(atlas, span) for span in reversed(answers.spans))


def phrase(atlas: Atlas, span: Span) -> str:
    """Return one span as words: `ok since 4.7.0.72`."""
    newest, oldest = len(atlas.releases) - 1, 0
    first, last = atlas.releases[span.first], atlas.releases[span.last]
    if (span.first, span.last) == (oldest, newest):
        when = "all releases"
    elif span.last == newest:
        when = f"since {first}" if span.first != newest else first
    elif span.first == oldest:
        when = f"until {last}"
    else:
        when = first if first == last else f"{first} to {last}"
    blame = span.op or span.layer
    return f"{span.outcome} {when}{f' ({blame})' if blame and span.outcome is not Outcome.OK else ''}"


def advice_at(case: AtlasCase, answers: Answers, place: int, releases: Sequence[str]) -> tuple[str, ...]:
    """Return what was run and works where this fails: other routes on this release, this route on later ones."""
    here = at(answers, place)
    if here is None or here.outcome is Outcome.OK:
        return ()
    routes = [
        f"route {other.route} works"
        for other in case.answers
        if other is not answers and other.engine == answers.engine and _works(other, place)
    ]
    later = next((number for number in range(place + 1, len(releases)) if _works(answers, number)), None)
    return (*routes, *([f"OpenCV {releases[later]} takes it"] if later is not None else []))


def _works(answers: Answers, place: int) -> bool:
    span = at(answers, place)
    return span is not None and span.outcome is Outcome.OK
