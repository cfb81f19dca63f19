"""The atlas as one page: Keras layer, configuration, route, and what every release makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from markupsafe import Markup

from harness.pure.atlas import Answers, Atlas, AtlasCase, at, in_words, phrase
from harness.records import Outcome
from harness.report import words
from harness.report.html import environment, script_hash, source, style_of


def write_atlas_page(atlas: Atlas, command: str, routes: Sequence[str], stock: Sequence[str]) -> str:
    """Return the page. `routes` are the columns; `stock` ones, kept for comparison, are told in the rows' details."""
    script = source("atlas.js")
    return (
        environment()
        .get_template("atlas.html.j2")
        .render(
            atlas=atlas,
            command=command,
            families=[(name, list(found)) for name, found in groupby(atlas.cases, key=_family)],
            routes=routes,
            stock=stock,
            words=words,
            rates={route: _rates(atlas, route) for route in (*routes, *stock)},
            answers_of=_answers_of,
            others_of=lambda case: [one for one in case.answers if one.route in stock or one.engine != "default"],
            words_of=lambda answers: in_words(atlas, answers),
            phrase=lambda span: phrase(atlas, span),
            newest=len(atlas.releases) - 1,
            at=at,
            style=style_of("page.css", "print.css"),
            script=Markup(script),  # noqa: S704 - our own file, not a record's text
            script_hash=script_hash(script),
        )
    )


def _family(case: AtlasCase) -> str:
    return "/".join(case.case.split("/")[:2]) if case.case.startswith("layers/") else case.case.split("/")[0]


def _answers_of(case: AtlasCase, route: str) -> Answers | None:
    return next((one for one in case.answers if one.route == route and one.engine == "default"), None)


def _rates(atlas: Atlas, route: str) -> list[tuple[int, int]]:
    """Return for each release how many cases work by a route, of how many that were run."""
    found = [one for case in atlas.cases for one in case.answers if one.route == route and one.engine == "default"]
    spans = [[at(one, place) for one in found] for place in range(len(atlas.releases))]
    return [
        (sum(span is not None and span.outcome is Outcome.OK for span in here), sum(span is not None for span in here))
        for here in spans
    ]
