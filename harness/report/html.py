"""The HTML report: one self-contained page; needs no network, no server and in essence no JavaScript."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.properties import MEANINGS
from harness.records import Outcome, Record
from harness.report import drawings, figures, plaintext, words
from harness.report.changes import CHANGES
from harness.report.model import RunInfo
from harness.report.op_support import SUPPORTS, build_op_tables
from harness.report.pages import write_pages
from harness.report.since import Baseline, Changes, changes_since
from harness.report.spans import Matrix, Span, build_matrix
from harness.report.tabulate import build_report, rank

_STYLES = ("page.css", "matrix.css", "model.css", "charts.css", "print.css")
_SCRIPTS = ("filter.js", "sort.js", "copy.js", "models.js", "address.js")
_RATES = 24
"""Columns up to which the rates of every family are laid out; beyond, the matrix has them."""


def write_html(records: Iterable[Record], info: RunInfo, baseline: Baseline | None = None) -> str:
    """Return the whole page. All text that comes from a model or a tool is escaped, visible and bounded."""
    report = build_report(records, info)
    matrix = build_matrix(report)
    pages = write_pages(environment(), matrix, spans := sorted(matrix.spans, key=lambda span: rank(span.cell)))
    script = script_of(*_SCRIPTS)
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            info=info,
            matrix=matrix,
            changes=baseline and _changes(baseline, matrix, info),
            kinds=CHANGES,
            pages=pages,
            words=words,
            properties={name.value: meaning for name, meaning in MEANINGS.items()},
            family_rates=len(report.columns) <= _RATES,
            style=style_of(*_STYLES),
            script=Markup(script),  # noqa: S704 - our own files, no record's text
            script_hash=script_hash(script),
            **_lists(spans),
            **_drawn(matrix, report.cases),
        )
    )


def _lists(spans: Sequence[Span]) -> dict[str, Any]:
    """Return what needs attention and what is known to fail, worst first."""
    attention = [span for span in spans if span.attention]
    known = [span for span in spans if not span.attention and span.outcome is not Outcome.OK]
    return {
        "attention": attention,
        "known": known,
        "listed": {span.id for span in (*attention, *known)},
        "blamed_ops": sorted({op for span in (*attention, *known) if (op := span.cell.record.op)}),
    }


def _drawn(matrix: Matrix, cases: int) -> dict[str, Any]:
    """Return charts and tables over all cases; one case has its own, on its page."""
    if cases <= 1:
        return {"charts": (), "op_tables": (), "supports": SUPPORTS}
    return {"charts": drawings.of_run(matrix), "op_tables": build_op_tables(matrix), "supports": SUPPORTS}


def _changes(baseline: Baseline, matrix: Matrix, info: RunInfo) -> Changes:
    anchors = {cell.id: span.id for span in matrix.spans for cell in span.cells}
    cells = [cell for span in matrix.spans for cell in span.cells]
    return changes_since(baseline, info.versions, cells, anchors)


@cache
def environment() -> Environment:
    """Return what renders pages: everything escaped, made visible, and nothing undefined."""
    made = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(_filters())
    return made


def _finalize(value: object) -> object:
    """Make every text visible on its way out, attributes too: a template cannot forget it."""
    return plaintext.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _filters() -> dict[str, Any]:
    return {
        "visible": plaintext.visible,
        "bounded": plaintext.bounded,
        "one_line": plaintext.one_line,
        "times": figures.times,
        "ms": figures.milliseconds,
        "nbytes": figures.nbytes,
        "flops": figures.flops,
        "difference": figures.difference,
        "duration": figures.duration,
        "share": figures.share,
        "prose": _prose,
    }


def _prose(text: str) -> Markup:
    """Escape a sentence and set what stands in backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(Markup.escape(text))))  # noqa: S704 - escaped first


def source(name: str) -> str:
    """Return one of our own template files as it is."""
    made = environment()
    loader = made.loader
    assert loader is not None  # noqa: S101 - set two functions above
    return loader.get_source(made, name)[0]


def style_of(*names: str) -> Markup:
    """Return style sheets as one."""
    return Markup("\n".join(map(source, names)))  # noqa: S704 - our own files, no record's text


def script_of(*names: str) -> str:
    """Return scripts as one, in a scope of their own: later files may use what earlier ones declare."""
    return "\n".join(['"use strict";', "(() => {", *map(source, names), "})();"])


def script_hash(script: str) -> str:
    """Digest for the page's content security policy: only this script runs, whatever a layer is called."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
