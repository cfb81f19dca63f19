"""What charts are drawn with, as SVG: texts, markers, bars, axes. Pure; every text is escaped, visible and bounded.

Colours are classes that the page's style sheet knows for light and dark. No style is set here: the page's policy
allows none that comes from elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.report.figures import TIMES
from harness.report.plaintext import one_line

WIDTH = 760
SERIES = 8
"""Classes `s0` ... that the style sheet has colours for; further series begin anew."""
MOST_DECADES = 12
"""What a logarithmic axis spans at most; what is beyond stands at its end."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SHAPES = (
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
    "M-3.5,-3.5h7v7h-7z",
    "M0,-4.5L4.5,3.5H-4.5z",
    "M0,-5L5,0L0,5L-5,0z",
    "M0,4.5L4.5,-3.5H-4.5z",
    "M-4,-1.5h2.5v-2.5h3v2.5h2.5v3h-2.5v2.5h-3v-2.5h-2.5z",
    "M-4.5,-2h9v4h-9z",
    "M-2,-4.5h4v9h-4z",
)

Unit = Callable[[float], str]
"""How a value is written: `figures.milliseconds`, `figures.times`."""
Point = tuple[float, float]


def svg(title: str, height: float, drawn: Sequence[Markup]) -> Markup:
    """Return the whole drawing, named for those who do not see it."""
    return Markup(
        '<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {:.0f}" width="{}" height="{:.0f}">{}</svg>'
    ).format(one_line(title, 200), WIDTH, height, WIDTH, height, Markup("").join(drawn))


def label(x: float, y: float, text: str, anchor: str, limit: int, kind: str = "") -> Markup:
    """Return a text; `anchor` is `start`, `middle` or `end`, `kind` a further class."""
    shown = one_line(text, limit)
    return Markup('<text x="{:.1f}" y="{:.1f}" class="{} {}">{}</text>').format(x, y, anchor, kind, shown)


def marker(number: int, x: float, y: float, said: str) -> Markup:
    """Return the mark of a series: its shape tells it from others where colours do not."""
    shape = _SHAPES[number % len(_SHAPES)]
    return Markup('<path class="dot" transform="translate({:.1f} {:.1f})" d="{}"><title>{}</title></path>').format(
        x, y, shape, one_line(said, 200)
    )


def bar(x: float, y: float, width: float, height: float, said: str) -> Markup:
    """Return a rectangle that says what it is; never so small that it cannot be seen."""
    return Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>').format(
        x, y, max(1.0, width), max(1.0, height), one_line(said, 300)
    )


def stroke(kind: str, way: str) -> Markup:
    """Return a path of a class: `grid`, `base`, `border`, `line d1`."""
    return Markup('<path class="{}" d="{}"/>').format(kind, way)


def group(kind: str, *drawn: Markup) -> Markup:
    """Return marks that share a class, and so a colour."""
    return Markup('<g class="{}">{}</g>').format(kind, Markup("").join(drawn))


def polyline(points: Sequence[Point | None]) -> str:
    """Return the way through points; None lifts the pen."""
    words, pen = [], "M"
    for point in points:
        if point is not None:
            words.append(f"{pen}{point[0]:.1f},{point[1]:.1f}")
        pen = "M" if point is None else "L"
    return "".join(words)


def apart(ends: Sequence[tuple[float, int, str]], least: float = 15) -> list[tuple[float, int, str]]:
    """Push names at lines' ends (y, number, name) apart, so that none covers another and none leaves the drawing."""
    placed: list[tuple[float, int, str]] = []
    lowest = least * (len(ends) - 1)
    for y, number, name in sorted(ends, reverse=True):
        free = placed[-1][0] - least if placed else y
        placed.append((max(min(y, free), lowest), number, name))
        lowest -= least
    return placed


def round_above(value: float) -> float:
    """Return the next round number: 1, 2, 4, 6 or 8 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next((step * power for step in (1, 2, 4, 6, 8) if step * power >= value), 10 * power)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAxis:
    """A logarithmic axis from left to right: decades `low` to `high`, between two x."""

    low: int
    high: int
    left: float
    right: float

    @classmethod
    def over(cls, values: Sequence[float], left: float, right: float) -> LogAxis:
        """Return the axis that holds some values, all above 0."""
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(low=low, high=min(max(high, low + 1), low + MOST_DECADES), left=left, right=right)

    def x(self, value: float) -> float:
        """Return where a value stands; what is beyond an end stands at it."""
        decade = self.low if value <= 0 else min(max(math.log10(value), self.low), self.high)
        return self.left + (self.right - self.left) * (decade - self.low) / (self.high - self.low)

    def grid(self, height: float, unit: Unit) -> Markup:
        """Return a line and a number at powers of ten, eight at most."""
        powers = range(self.low, self.high + 1, math.ceil((self.high - self.low) / 7))
        return Markup("").join(
            stroke("grid", f"M{self.x(10.0**power):.1f},2V{height:.0f}")
            + label(self.x(10.0**power), height + 16, _power(power, unit), "middle", 20)
            for power in powers
        )


def _power(power: int, unit: Unit) -> str:
    """Write a power of ten: as `unit` does, very large and small ratios with an exponent."""
    plain = unit(10.0**power)
    if plain.endswith(TIMES) and not -2 <= power <= 4:
        return f"10{str(power).translate(_SUPERSCRIPT)}{TIMES}"
    return plain
