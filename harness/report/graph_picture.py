"""A network as a picture: its layers from top to bottom, lines for what they take from one another, the culprit marked.

Drawn like the history of a repository: a lane for each tensor that is still wanted. Long runs of layers that are fine
are drawn as one, so that two hundred of them stay readable. Pure; every name is escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from markupsafe import Markup

from harness.evidence import Node
from harness.records import Outcome, Record
from harness.report import words
from harness.report.plaintext import one_line

_ROW, _LANE = 24, 16
_UNCOLLAPSED = 30
"""Networks of so few steps are drawn whole."""
_MEETING = 40
"""Places where branches part or meet, up to which they are all drawn."""
_NEAR = 2
"""Layers that are fine and still drawn on either side of one that is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of the picture."""

    label: str
    outcome: Outcome | None
    """None where it was not run alone."""
    after: tuple[int, ...]
    """Rows that it takes tensors from."""
    culprit: bool = False
    count: int = 1
    """Layers that it stands for."""


def picture(record: Record) -> Markup | None:
    """Return the picture of a record's network; None where the record has no graph."""
    if not record.graph:
        return None
    steps = collapsed(steps_of(record))
    lanes = lanes_of(steps)
    width = 40 + _LANE * (1 + max(lanes, default=0))
    drawn = Markup("").join([*_edges(steps, lanes), *_marks(steps, lanes, width)])
    told = ", ".join(step.label for step in steps if step.culprit) or "none is marked"
    return Markup(
        '<svg class="graph" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(
        one_line(f"Graph of {len(record.graph)} steps; to blame: {told}", 240),
        width + 460,
        _ROW * len(steps) + 8,
        width + 460,
        _ROW * len(steps) + 8,
        drawn,
    )


def steps_of(record: Record) -> list[Step]:
    """Return one step a node, with what is known of its layer alone."""
    outcomes = {name: verdict.outcome for verdict in record.layers or () for name in (verdict.name, *verdict.like)}
    blamed = record.culprit.layer if record.culprit else record.layer
    if blamed is not None:
        outcomes.setdefault(blamed, record.outcome)
    return [_step(node, outcomes.get(node.layer), node.layer == blamed) for node in record.graph or ()]


def _step(node: Node, outcome: Outcome | None, culprit: bool) -> Step:
    label = f"{one_line(node.layer, 48)}  {one_line(node.class_, 32)}"
    return Step(label=label, outcome=outcome, after=node.after, culprit=culprit)


def collapsed(steps: Sequence[Step]) -> list[Step]:
    """Return the steps with long runs of those that are fine, or not known to fail, joined to one each.

    Neighbours in the order of their work may be joined whatever the lines between them: the order stays one.
    """
    if len(steps) <= _UNCOLLAPSED:
        return list(steps)
    kept = _kept(steps)
    row_of: dict[int, int] = {}
    found: list[Step] = []
    for alone, run in groupby(range(len(steps)), key=lambda place: place if place in kept else None):
        places = list(run)
        row_of |= dict.fromkeys(places, len(found))
        found.append(steps[places[0]] if alone is not None else _joined([steps[place] for place in places]))
    return [
        replace(step, after=tuple(sorted({row for one in step.after if (row := row_of[one]) != place})))
        for place, step in enumerate(found)
    ]


def _kept(steps: Sequence[Step]) -> set[int]:
    """Return the places of what is drawn by itself: both ends, what fails and its neighbours, where branches meet."""
    wrong = [place for place, step in enumerate(steps) if step.culprit or step.outcome not in {None, Outcome.OK}]
    taken = Counter(before for step in steps for before in step.after)
    meeting = {place for place, step in enumerate(steps) if len(step.after) > 1 or taken[place] > 1}
    near = {place + by for place in wrong for by in range(-_NEAR, _NEAR + 1)}
    return {0, len(steps) - 1, *near, *(meeting if len(meeting) <= _MEETING else ())}


def _joined(run: Sequence[Step]) -> Step:
    if len(run) == 1:
        return run[0]
    known = all(step.outcome is Outcome.OK for step in run)
    label = f"{len(run)} layers, {'all ok' if known else 'none known to fail'}"
    after = tuple(one for step in run for one in step.after)
    return Step(label=label, outcome=Outcome.OK if known else None, after=after, count=len(run))


def lanes_of(steps: Sequence[Step]) -> list[int]:
    """Return the lane of every step: that of a tensor nobody else wants any more, or the first that is free."""
    last = {before: place for place, step in enumerate(steps) for before in step.after}
    busy: dict[int, int] = {}
    lanes: list[int] = []
    for place, step in enumerate(steps):
        done = sorted(lanes[before] for before in step.after if last[before] == place)
        for lane in done:
            busy.pop(lane, None)
        lane = done[0] if done else next(free for free in range(len(steps) + 1) if free not in busy)
        lanes.append(lane)
        if place in last:
            busy[lane] = place
    return lanes


def _edges(steps: Sequence[Step], lanes: Sequence[int]) -> Iterator[Markup]:
    for place, step in enumerate(steps):
        for before in step.after:
            (x, y), (to_x, to_y) = _spot(before, lanes), _spot(place, lanes)
            bend = to_y - _ROW * 0.7
            way = (
                f"M{x},{y}V{bend:.1f}C{x},{to_y - 4} {to_x},{bend:.1f} {to_x},{to_y}"
                if x != to_x
                else f"M{x},{y}V{to_y}"
            )
            yield Markup('<path class="edge" d="{}"/>').format(way)


def _marks(steps: Sequence[Step], lanes: Sequence[int], width: int) -> Iterator[Markup]:
    for place, step in enumerate(steps):
        x, y = _spot(place, lanes)
        kind = f"o-{step.outcome}" if step.outcome else "o-route-absent"
        symbol = words.OUTCOMES[step.outcome].symbol if step.outcome else "·"
        if step.count > 1:
            symbol = "⋮"
        said = f"{step.label}{f'  {step.outcome}' if step.outcome and step.count == 1 else ''}"
        blame = "  ◀ to blame" if step.culprit else ""
        yield Markup(
            '<g class="{}{}"><rect x="{}" y="{}" width="16" height="16" rx="3"/>'
            '<text x="{}" y="{}" class="middle">{}</text><text x="{}" y="{}" class="said">{}</text></g>'
        ).format(
            kind, " culprit" if step.culprit else "", x - 8, y - 8, x, y + 4, symbol, width, y + 4, f"{said}{blame}"
        )


def _spot(place: int, lanes: Sequence[int]) -> tuple[int, int]:
    return 16 + _LANE * lanes[place], _ROW // 2 + 4 + _ROW * place
