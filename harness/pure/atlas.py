"""The atlas: what every release makes of every case by every route, as spans of releases. Pure: records in, spans out.

Compact enough to be committed and read in an instant; it holds outcomes, not evidence, which the run's records have.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from packaging.version import InvalidVersion, Version

from harness.records import CPU, Outcome, Record, Stage

_WORDS_KEPT = 160
_OTHER_RUNTIME = "onnxruntime"
"""Begins what a runtime that stands in for OpenCV calls its release."""


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
class Part:
    """A run that cells of an atlas are from."""

    started: str
    """ISO 8601, UTC."""
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Atlas:
    """All of it, with what it was made from."""

    parts: tuple[Part, ...]
    releases: tuple[str, ...]
    """Oldest first."""
    cases: tuple[AtlasCase, ...]
    versions: dict[str, str] = field(default_factory=dict)
    """Of all that takes part in an export; the same for every part."""

    @property
    def days(self) -> str:
        """When its runs were: `2026-11-25 to 2026-11-26`."""
        days = sorted(part.started[:10] for part in self.parts)
        return " to ".join(dict.fromkeys((days[0], days[-1])))

    @property
    def cells(self) -> int:
        """How many cells it has an answer of."""
        return sum(
            span.last - span.first + 1 for case in self.cases for answers in case.answers for span in answers.spans
        )


_Ways = dict[tuple[str, str], dict[str, Span]]
"""Route and engine -> release -> what it answers, as a span of that release alone."""


def build_atlas(
    records: Iterable[Record], layers: Mapping[str, Sequence[str]], *, part: Part, versions: Mapping[str, str]
) -> Atlas:
    """Return the atlas of records that belong in one; `layers` are the Keras classes of the cases."""
    cases: dict[str, _Ways] = {}
    for record in records:
        way = cases.setdefault(record.case, {}).setdefault((record.route, record.target.engine_asked), {})
        way[record.target.opencv] = _answer(record)
    ordered = {case: _own_first(case, layers.get(case, ())) for case in cases}
    return _atlas(cases, ordered, (part,), versions)


def belongs(record: Record) -> bool:
    """Whether a record is about an OpenCV on the usual backend: columns are releases, and a device is none."""
    return record.target.backend == CPU and not record.target.opencv.startswith(_OTHER_RUNTIME)


def is_sound(atlas: Atlas) -> bool:
    """Whether all that an atlas says of itself fits together, as that of a file somebody has edited may not."""
    answers = [answers for case in atlas.cases for answers in case.answers]
    spans = [span for one in answers for span in one.spans]
    ordered = all(0 <= span.first <= span.last < len(atlas.releases) for span in spans)
    return bool(atlas.parts) and all(one.spans for one in answers) and ordered


def join(*atlases: Atlas) -> Atlas:
    """Return atlases as one: where two have an answer of the same cell, that of the later one in this order.

    Raises:
        ValueError: something that takes part in an export differs; then cells side by side would differ by it too.
    """
    oldest = atlases[0]
    cases: dict[str, _Ways] = {}
    for atlas in atlases:
        for name in sorted({*oldest.versions, *atlas.versions}):
            was, now = oldest.versions.get(name, "absent"), atlas.versions.get(name, "absent")
            if was != now:
                raise ValueError(f"{name} is {was} in one and {now} in the other")
        for case in atlas.cases:
            for answers in case.answers:
                way = cases.setdefault(case.case, {}).setdefault((answers.route, answers.engine), {})
                way.update(_apart(answers.spans, atlas.releases))
    layers = {case.case: case.layers for atlas in atlases for case in atlas.cases if case.layers}
    parts = dict.fromkeys(part for atlas in atlases for part in atlas.parts)
    return _atlas(cases, layers, tuple(parts), oldest.versions)


def _atlas(
    cases: Mapping[str, _Ways],
    layers: Mapping[str, tuple[str, ...]],
    parts: tuple[Part, ...],
    versions: Mapping[str, str],
) -> Atlas:
    found = {release for ways in cases.values() for way in ways.values() for release in way}
    releases = tuple(sorted(found, key=_age))
    return Atlas(
        parts=parts,
        releases=releases,
        versions=dict(versions),
        cases=tuple(
            AtlasCase(
                case=case,
                layers=layers.get(case, ()),
                answers=tuple(
                    Answers(route=route, engine=engine, spans=tuple(_spans(way, releases)))
                    for (route, engine), way in sorted(ways.items())
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


def _answer(record: Record) -> Span:
    return Span(
        first=0,
        last=0,
        outcome=record.outcome,
        stage=record.stage,
        op=record.op,
        layer=record.layer,
        message=" ".join(record.message.split())[:_WORDS_KEPT] if record.message else None,
    )


def _apart(spans: Iterable[Span], releases: Sequence[str]) -> Iterator[tuple[str, Span]]:
    for span in spans:
        yield from ((release, span) for release in releases[span.first : span.last + 1])


def _spans(way: Mapping[str, Span], releases: Sequence[str]) -> Iterator[Span]:
    """Yield the answers of releases in a row that answer alike as one, with the newest one's words."""
    answers = [(place, way.get(release)) for place, release in enumerate(releases)]
    for alike, group in groupby(answers, key=lambda pair: pair[1] and (pair[1].outcome, pair[1].stage, pair[1].op)):
        found = list(group)
        newest = found[-1][1]
        if alike and newest:
            yield replace(newest, first=found[0][0], last=found[-1][0])


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
