"""The models' pages within the report: laid out where there are few, else packed into the file and opened on demand."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from jinja2 import Environment
from markupsafe import Markup

from harness.report import drawings, words
from harness.report.graph_picture import picture
from harness.report.spans import Line, Matrix, Span

_LAID_OUT = 240
"""Fields of the matrix up to which every model's page is laid out; beyond, that of the worst few."""
_WORST = 12
"""Models laid out where there are too many: what most readers look for needs no JavaScript."""
_OPENED = 12
"""Fields whose details are open from the start, worst first."""
_SHEET = 300_000
"""Characters that are packed together: small enough to unpack in a few milliseconds, large enough to pack well."""
_TEXT_BUDGET = 16_000_000
"""Characters of message and stderr in one report, shared by its fields."""
_TEXT_LIMITS = (1_500, 20_000)
"""Fewest and most characters of one text, whatever the budget says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """What becomes of all models' pages."""

    markup: Markup
    """Those that are laid out."""
    inlined: frozenset[str]
    """Anchors that the markup has: of models and of fields."""
    pack: Markup | None
    """JSON: the others' sheets, and on which sheet each is."""
    packed: int


def write_pages(environment: Environment, matrix: Matrix, spans: Sequence[Span]) -> Pages:
    """Lay out or pack the page of every case; `spans` are all there are, worst first."""
    ranked = _worst_first(matrix, spans)
    count = len(ranked) if len(spans) <= _LAID_OUT else _WORST
    laid_out, others = ranked[:count], ranked[count:]
    write = _Writer(environment, spans)
    return Pages(
        markup=Markup("\n".join(write(line, own, inline=True) for line, own in laid_out)),  # noqa: S704 - escaped
        inlined=frozenset(name for line, own in laid_out for name in (line.id, *(span.id for span in own))),
        pack=_pack((line.id, write(line, own, inline=False)) for line, own in others) if others else None,
        packed=len(others),
    )


def _worst_first(matrix: Matrix, spans: Iterable[Span]) -> list[tuple[Line, list[Span]]]:
    """Return every case with its fields, both ranked as the fields are."""
    line_of = {span.id: line for line in matrix.lines for span in line.spans}
    found: dict[str, tuple[Line, list[Span]]] = {}
    for span in spans:
        line = line_of[span.id]
        found.setdefault(line.id, (line, []))[1].append(span)
    return list(found.values())


class _Writer:
    """Renders the page of one case after another."""

    def __init__(self, environment: Environment, spans: Sequence[Span]) -> None:
        self._template = environment.get_template("model.html.j2")
        self._opened = {span.id for span in spans[:_OPENED] if span.attention or len(spans) <= _OPENED}
        self._limit = min(_TEXT_LIMITS[1], max(_TEXT_LIMITS[0], _TEXT_BUDGET // max(1, 2 * len(spans))))

    def __call__(self, line: Line, spans: Sequence[Span], *, inline: bool) -> str:
        return self._template.render(
            line=line,
            spans=spans,
            inline=inline,
            opened=self._opened,
            limit=self._limit,
            charts=drawings.of_case(line),
            chart_of_inputs=drawings.of_inputs,
            chart_of_layers=drawings.of_layers,
            layer_times=drawings.layer_times,
            graph_of=picture,
            words=words,
        )


def _pack(pages: Iterable[tuple[str, str]]) -> Markup:
    """Return JSON with deflated sheets in base64, and the place of every page. Nothing in it can end a script."""
    sheets: list[str] = []
    places: dict[str, int] = {}
    for names, text in _sheets(pages):
        places |= dict.fromkeys(names, len(sheets))
        sheets.append(base64.b64encode(zlib.compress(text.encode(), 9)).decode())
    return Markup(json.dumps({"places": places, "sheets": sheets}, separators=(",", ":")))  # noqa: S704 - ASCII names


def _sheets(pages: Iterable[tuple[str, str]]) -> Iterator[tuple[list[str], str]]:
    names: list[str] = []
    texts: list[str] = []
    for name, text in pages:
        names.append(name)
        texts.append(text)
        if sum(map(len, texts)) >= _SHEET:
            yield names, "".join(texts)
            names, texts = [], []
    if names:
        yield names, "".join(texts)
