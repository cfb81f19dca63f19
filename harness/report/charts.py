"""Four kinds of charts: lines over releases, distributions, bars, dots. Pure: figures in, one drawing out.

Each says how to read it and carries its figures as a table; a series has a shape and a name besides its colour.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from harness.report.figures import NONE
from harness.report.marks import (
    SERIES,
    WIDTH,
    LogAxis,
    Unit,
    apart,
    bar,
    group,
    label,
    marker,
    polyline,
    round_above,
    stroke,
    svg,
)

_BINS_A_DECADE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing that explains itself."""

    title: str
    how: str
    """How to read it."""
    svg: Markup
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The figures, as the table below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: a length and what is said beside it."""

    label: str
    value: float
    note: str = ""
    kind: str = "s0"
    """Class that gives the colour."""


def lines(
    title: str,
    how: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    unit: Unit,
    *,
    top: float | None = None,
) -> Chart:
    """Draw one line a series over the labels; None is a gap. The axis goes from 0 to `top`, or past the largest."""
    known = [value for values in series.values() for value in values if value is not None]
    highest = top or round_above(max(known, default=1.0))
    left, right, floor, tall = 58, WIDTH - 170, 276, 240
    step = (right - left) / max(1, len(labels) - 1)
    drawn = [
        stroke("grid", f"M{left},{floor - part * tall / 4}H{right}")
        + label(left - 8, floor - part * tall / 4 + 4, unit(highest * part / 4), "end", 20)
        for part in range(5)
    ]
    drawn += [label(left + place * step, floor + 18, text, "middle", 60) for place, text in enumerate(labels)]
    ends = []
    for number, (name, values) in enumerate(series.items()):
        points = [
            None if value is None else (left + place * step, floor - tall * min(value, highest) / highest)
            for place, value in enumerate(values)
        ]
        marks = [
            marker(number, *point, f"{name}, {labels[place]}: {unit(values[place] or 0.0)}")
            for place, point in enumerate(points)
            if point is not None
        ]
        drawn.append(group(f"s{number % SERIES}", stroke(f"line d{number % 4}", polyline(points)), *marks))
        ends += [(point[1], number, name) for point in points if point is not None][-1:]
    for y, number, name in apart(ends):
        drawn.append(group(f"s{number % SERIES}", marker(number, right + 10, y, name)))
        drawn.append(label(right + 20, y + 4, name, "start", 22))
    rows = tuple((name, *(NONE if one is None else unit(one) for one in values)) for name, values in series.items())
    return Chart(title=title, how=how, svg=svg(title, floor + 30, drawn), head=("", *labels), rows=rows)


def histograms(
    title: str, how: str, rows: Mapping[str, Sequence[float]], unit: Unit, *, border: float | None = None
) -> Chart:
    """Draw one distribution a row on a shared logarithmic axis; `border` is a value that a line is drawn at."""
    rows = {name: sorted(value for value in values if value > 0) for name, values in rows.items()}
    known = [value for values in rows.values() for value in values] or [1.0]
    axis = LogAxis.over([*known, border or known[0]], 150, WIDTH - 230)
    tall = 44
    height = 14 + tall * len(rows)
    drawn = [axis.grid(height, unit)]
    for number, (name, values) in enumerate(rows.items()):
        base = 10 + tall * (number + 1)
        bars_ = _histogram(name, values, axis, base, tall - 10, unit)
        drawn.append(group(f"s{number % SERIES}", *bars_, stroke("base", f"M{axis.left},{base}H{axis.right}")))
        drawn.append(label(axis.left - 10, base - 8, name, "end", 20, "name"))
        drawn.append(label(axis.right + 10, base - 8, _summary(values, unit), "start", 40))
    if border:
        drawn.append(stroke("border", f"M{axis.x(border):.1f},4V{height}"))
    table = tuple((name, f"{len(values):,}", *_quantiles(values, unit)) for name, values in rows.items())
    head = ("", "n", "least", "median", "95 %", "largest")
    return Chart(title=title, how=how, svg=svg(title, height + 24, drawn), head=head, rows=table)


def bars(title: str, how: str, rows: Sequence[Bar], unit: Unit) -> Chart:
    """Draw a horizontal bar for each row, its value and note beside it."""
    left, right, tall = 260, WIDTH - 230, 22
    longest = max((row.value for row in rows), default=0.0) or 1.0
    drawn = []
    for number, row in enumerate(rows):
        y, length = 6 + tall * number, (right - left) * row.value / longest
        said = " · ".join(filter(None, (unit(row.value), row.note)))
        drawn.append(group(row.kind, bar(left, y, length, tall - 6, f"{row.label}: {said}")))
        drawn.append(label(left - 8, y + 12, row.label, "end", 36, "name"))
        drawn.append(label(left + length + 8, y + 12, said, "start", 44))
    table = tuple((row.label, unit(row.value), row.note) for row in rows)
    return Chart(title=title, how=how, svg=svg(title, 12 + tall * len(rows), drawn), head=("", "value", ""), rows=table)


def dots(title: str, how: str, rows: Mapping[str, float | None], unit: Unit, *, border: float) -> Chart:
    """Draw a dot for each row on a logarithmic axis; None, which is not finite, stands at its end."""
    axis = LogAxis.over([*(value for value in rows.values() if value), border], 290, WIDTH - 110)
    tall = 20
    height = 8 + tall * len(rows)
    drawn = [axis.grid(height, unit), stroke("border", f"M{axis.x(border):.1f},2V{height}")]
    for number, (name, value) in enumerate(rows.items()):
        y = 4 + tall * (number + 0.5)
        beyond = value is None or value > border
        said = _said(value, unit)
        mark = marker(3 if beyond else 0, axis.right if value is None else axis.x(value), y, f"{name}: {said}")
        drawn.append(group("bad" if beyond else "fine", mark))
        drawn.append(label(axis.left - 10, y + 4, name, "end", 42, "name"))
        drawn.append(label(axis.right + 12, y + 4, said, "start", 20))
    table = tuple((name, _said(value, unit)) for name, value in rows.items())
    return Chart(title=title, how=how, svg=svg(title, height + 24, drawn), head=("", "value"), rows=table)


def _said(value: float | None, unit: Unit) -> str:
    return "not finite" if value is None else unit(value)


def _histogram(name: str, values: Sequence[float], axis: LogAxis, base: float, tall: float, unit: Unit) -> list[Markup]:
    """Return the bars of one row, the tallest `tall`."""
    last = (axis.high - axis.low) * _BINS_A_DECADE - 1
    places = (math.floor((math.log10(value) - axis.low) * _BINS_A_DECADE) for value in values)
    counts = Counter(min(place, last) for place in places)
    most = max(counts.values(), default=1)
    found = []
    for place, count in sorted(counts.items()):
        start, end = (10 ** (axis.low + edge / _BINS_A_DECADE) for edge in (place, place + 1))
        height = max(1.5, tall * count / most)
        said = f"{name}: {count:,} from {unit(start)} to {unit(end)}"
        found.append(bar(axis.x(start) + 0.5, base - height, axis.x(end) - axis.x(start) - 1, height, said))
    return found


def _quantiles(ranked: Sequence[float], unit: Unit) -> tuple[str, ...]:
    if not ranked:
        return (NONE,) * 4
    high = ranked[math.ceil(0.95 * len(ranked)) - 1]
    return tuple(unit(value) for value in (ranked[0], median(ranked), high, ranked[-1]))


def _summary(ranked: Sequence[float], unit: Unit) -> str:
    if not ranked:
        return "none"
    _, middle, high, _ = _quantiles(ranked, unit)
    return f"{len(ranked):,}: median {middle}, 95 % {high}"
