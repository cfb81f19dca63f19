"""A badge: how many networks the newest OpenCV of a run serves, as a picture of a few hundred bytes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from harness.records import Record
from harness.report.html import environment
from harness.report.model import Place, Report, RunInfo
from harness.report.plaintext import one_line
from harness.report.tabulate import build_report
from harness.report.words import SHADES, Tone

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write, not even escaped."""
_PADDING = 6
"""Pixels on either side of a text."""


def write_badge(records: Iterable[Record], info: RunInfo) -> str:
    """Return the SVG, such as `OpenCV 5.0 | 79 of 80 layers`: cases that one route at least serves.

    Of several releases it is about the newest, on its usual engine. No font, script or address is asked for.
    """
    report = build_report(records, info)
    place = _place(report)
    label = "OpenCV" if place is None else f"OpenCV {_release(place)}"
    value, tone = _value(report, place)
    shown = [_NO_XML.sub("\N{REPLACEMENT CHARACTER}", one_line(text, 60)) for text in (label, value)]
    return (
        environment()
        .get_template("badge.svg.j2")
        .render(label=shown[0], value=shown[1], widths=[_width(text) for text in shown], colour=SHADES[tone].light)
    )


def _place(report: Report) -> Place | None:
    newest = [place for place in report.places if _opencv(place) == _opencv(report.places[-1])]
    usual = [place for place in newest if place.ways[0].column.engine == "default"]
    return next(iter([*usual, *newest]), None)


def _opencv(place: Place) -> str:
    return place.ways[0].column.opencv


def _release(place: Place) -> str:
    """Return `5.0` of `5.0.0.93`, and what is not a release as it is."""
    try:
        found = Version(_opencv(place))
    except InvalidVersion:
        return _opencv(place)
    return f"{found.major}.{found.minor}"


def _value(report: Report, place: Place | None) -> tuple[str, Tone]:
    if place is None:
        return "nothing was run", Tone.UNPROVEN
    rate = report.served(place)
    kinds = [row.name for row in report.kinds]
    text = f"{rate.ok:,} of {rate.tried:,} {kinds[0] if len(kinds) == 1 else 'networks'}"
    if not report.complete or report.info.interrupted:
        return f"{text}, not complete", Tone.UNPROVEN
    if any(way.attention for way in place.ways):
        return text, Tone.WRONG
    return text, Tone.GOOD if 0 < rate.ok == rate.tried else Tone.REFUSED


def _width(text: str) -> int:
    """Return the pixels of a text and its padding, about; the reader's own font is fitted into them."""
    return round(sum(map(_letter_width, text))) + 2 * _PADDING


def _letter_width(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 12
    return 4.2 if letter in " .,:;'|!()[]/fijlrtI" else 10.5 if letter in "mwMW@%" else 7
