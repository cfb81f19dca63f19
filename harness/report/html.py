"""The HTML report: one self-contained page that needs no network, no server and no JavaScript."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.properties import MEANINGS
from harness.records import Record
from harness.report import figures, plaintext, words
from harness.report.model import Report, RunInfo
from harness.report.tabulate import build_report

_TEXT_BUDGET = 16_000_000
"""Characters of message and stderr on one page, shared by its failing cells: beyond, browsers get slow."""
_TEXT_LIMITS = (1_500, 20_000)
"""Fewest and most characters of one text, whatever the budget says."""
_OPEN_CELLS = 12
"""Failing cells whose details are open from the start; more would push everything else off the page."""
_FULL_CELLS = 300
"""Known failures laid out in full, worst first; the others say the same in plain text, which opens faster."""


def write_html(records: Iterable[Record], info: RunInfo) -> str:
    """Return the whole page. All text that comes from a model or a tool is escaped, visible and bounded."""
    report = build_report(records, info)
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            info=report.info,
            words=words,
            properties={name.value: meaning for name, meaning in MEANINGS.items()},
            limit=_text_limit(report),
            open_cells=_OPEN_CELLS,
            full_cells=_FULL_CELLS,
            style=Markup(source("page.css")),  # noqa: S704 - our own file, not a record's text
            script=Markup(source("page.js")),  # noqa: S704 - our own file, not a record's text
            script_hash=_script_hash(),
        )
    )


def _text_limit(report: Report) -> int:
    least, most = _TEXT_LIMITS
    texts = 2 * (len(report.attention) + len(report.known))
    return min(most, max(least, _TEXT_BUDGET // max(1, texts)))


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


@cache
def _script_hash() -> str:
    """Digest for the page's content security policy: only this script runs, whatever a layer is called."""
    return base64.b64encode(hashlib.sha256(source("page.js").encode()).digest()).decode()
