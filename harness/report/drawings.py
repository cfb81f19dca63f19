"""What the charts of a report show: rates and times by release, distributions, layers, margins by input. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import geometric_mean

from harness.records import Outcome, Record
from harness.report.charts import Bar, Chart, bars, dots, histograms, lines
from harness.report.figures import TIMES, milliseconds, times
from harness.report.marks import SERIES, Unit
from harness.report.model import Cell
from harness.report.spans import Line, Matrix, Way
from harness.timings import LayerTime, Profile

_LAYERS = 40
"""Bars of a profile: the slowest layers, in the network's order."""


def of_run(matrix: Matrix) -> tuple[Chart, ...]:
    """Return the charts over all cells that there are figures for."""
    cells = _by_way(matrix)
    newest = {way.name: [cell for cell in found if cell.column == way.columns[-1]] for way, found in cells.items()}
    drawn = (
        _trend(matrix, cells),
        _latency_by_release(cells),
        _latency_distribution(newest),
        _beside(newest),
        _layer_classes(newest),
        _margins(newest),
    )
    return tuple(chart for chart in drawn if chart is not None)


def of_case(line: Line) -> tuple[Chart, ...]:
    """Return the charts of one case: its times by release, and beside other runtimes."""
    drawn = (_case_latency(line), _case_beside(line))
    return tuple(chart for chart in drawn if chart is not None)


def of_layers(record: Record) -> Chart | None:
    """Return the time of each layer of one forward pass; None where nobody measured it."""
    profile = record.latency.profile if record.latency else None
    if profile is None or not profile.layers:
        return None
    return bars(
        "Time by layer",
        "One forward pass by its layers, in their order, as OpenCV's own profile has it. What OpenCV computes together "
        "stands at the layer it was fused into; what it put in of its own is marked. "
        f"{f'The {_LAYERS} slowest of {len(profile.layers)} are drawn. ' if len(profile.layers) > _LAYERS else ''}"
        f"Sum {milliseconds(profile.total_ms)}, whole pass {milliseconds(profile.forward_ms)}"
        f"{f': {profile.note}' if profile.note else ''}.",
        list(_layer_bars(profile)),
        milliseconds,
    )


def layer_times(record: Record) -> dict[str, LayerTime]:
    """Return what is known of the time of each Keras layer, by its name."""
    profile = record.latency.profile if record.latency else None
    return {layer.layer: layer for layer in profile.layers if layer.layer} if profile else {}


def of_inputs(record: Record) -> Chart | None:
    """Return the margin on each input; None where the record has none."""
    margins = record.parity.by_input if record.parity else ()
    if len(margins) < 2:
        return None
    return dots(
        "Margin by input",
        "Error over what is allowed, for every input that was compared, on a logarithmic axis. Right of the border at "
        f"1{TIMES} the output is wrong.",
        {one.plan: one.margin for one in margins},
        times,
        border=1.0,
    )


# -- over the run -----------------------------------------------------------------------------------------------------


def _by_way(matrix: Matrix) -> dict[Way, list[Cell]]:
    found: dict[Way, list[Cell]] = {way: [] for way in matrix.ways}
    for span in matrix.spans:
        found[span.way] += span.cells
    return found


def _trend(matrix: Matrix, cells: Mapping[Way, Sequence[Cell]]) -> Chart | None:
    releases = matrix.releases
    if len(releases) < 2:
        return None
    return lines(
        "Cells that are ok, release by release",
        "Of the cases tried by a route on a release, the share that loads and gives TensorFlow's numbers. A route "
        "without an importer in a release has no mark there.",
        releases,
        {way.name: [_rate(found, release) for release in releases] for way, found in cells.items()},
        lambda value: f"{value:.0f} %",
        top=100.0,
    )


def _longest_first(ways: Iterable[Way]) -> list[Way]:
    return sorted(ways, key=lambda way: -len(way.columns))


def _rate(cells: Iterable[Cell], release: str) -> float | None:
    tried = [cell for cell in cells if cell.column.opencv == release and cell.outcome is not Outcome.ROUTE_ABSENT]
    return 100 * sum(cell.outcome is Outcome.OK for cell in tried) / len(tried) if tried else None


def _latency_by_release(cells: Mapping[Way, Sequence[Cell]]) -> Chart | None:
    series = {way.name: found for way in cells if (found := _pace(cells[way]))}
    ways = _longest_first(way for way in cells if way.name in series)
    if not ways or len(ways[0].columns) < 2:
        return None
    labels = [column.opencv for column in ways[0].columns]
    return lines(
        "Forward time, release by release",
        "Geometric mean of the median forward times, over the cases that are ok on every release of the route, so that "
        "each line is about the same models. The routes' lines are about different ones: compare along a line.",
        labels,
        {name: [found.get(label) for label in labels] for name, found in series.items()},
        milliseconds,
    )


def _pace(cells: Iterable[Cell]) -> dict[str, float]:
    """Return by release the mean time of the cases that are ok, and were timed, wherever the route is there at all."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for cell in cells:
        if cell.outcome is Outcome.OK and cell.latency_ms:
            found[cell.column.opencv][cell.record.case] = cell.latency_ms
    shared = set.intersection(*map(set, found.values())) if found else set()
    return {release: geometric_mean([ms[case] for case in shared]) for release, ms in found.items() if shared}


def _latency_distribution(newest: Mapping[str, Sequence[Cell]]) -> Chart | None:
    rows = {name: [ms for cell in cells if (ms := cell.latency_ms)] for name, cells in newest.items()}
    return _distribution(
        "Forward times",
        "How many cases take how long: the median forward time of every case that ran, by route on its newest release, "
        "measured inside the worker; logarithmic, the tallest bar of each row is as tall as the row.",
        rows,
        None,
        milliseconds,
    )


def _beside(newest: Mapping[str, Sequence[Cell]]) -> Chart | None:
    rows: dict[str, list[float]] = defaultdict(list)
    for name, cells in newest.items():
        for cell in cells:
            for other in cell.record.latency.beside if cell.record.latency else ():
                rows[f"{name} / {other.runtime}"].append(other.ratio)
    return _distribution(
        "OpenCV's time over other runtimes'",
        f"Timed in turns on the same weights, input and number of threads. Left of 1{TIMES} OpenCV is faster.",
        rows,
        1.0,
        times,
    )


def _layer_classes(newest: Mapping[str, Sequence[Cell]]) -> Chart | None:
    spent: dict[tuple[str, bool], float] = defaultdict(float)
    for cells in newest.values():
        for cell in cells:
            profile = cell.record.latency.profile if cell.record.latency else None
            for layer in profile.layers if profile else ():
                spent[layer.class_, layer.inserted] += layer.ms
    if not spent:
        return None
    ranked = sorted(spent.items(), key=lambda item: -item[1])[:20]
    return bars(
        "Where the time goes, by class of layer",
        "Time of all profiled forward passes on the newest releases, added up by Keras class, the longest first.",
        [
            Bar(label=name, value=ms, note="put in by OpenCV" if inserted else "", kind="s4" if inserted else "s0")
            for (name, inserted), ms in ranked
        ],
        milliseconds,
    )


def _margins(newest: Mapping[str, Sequence[Cell]]) -> Chart | None:
    rows = {
        name: [cell.margin for cell in cells if cell.margin and cell.outcome in {Outcome.OK, Outcome.MISMATCH}]
        for name, cells in newest.items()
    }
    return _distribution(
        "Tolerance margins over all cases",
        f"Error over what rounding allows, by route on its newest release. The border is at 1{TIMES}: what is right "
        "stays left of it, what is wrong lies far right of it, and nothing should lie near it. Cells without any "
        "error have no place on a logarithmic axis.",
        rows,
        1.0,
        times,
    )


def _distribution(
    title: str, how: str, rows: Mapping[str, Sequence[float]], border: float | None, unit: Unit
) -> Chart | None:
    filled = {name: values for name, values in rows.items() if values}
    return histograms(title, how, filled, unit, border=border) if filled else None


# -- of one case ------------------------------------------------------------------------------------------------------


def _case_latency(line: Line) -> Chart | None:
    series: dict[str, dict[str, float | None]] = {}
    labels: list[str] = []
    for span in line.spans:
        own = series.setdefault(span.way.name, {})
        own.update({cell.column.opencv: cell.latency_ms for cell in span.cells})
        labels = max([column.opencv for column in span.way.columns], labels, key=len)
    series = {name: own for name, own in series.items() if any(own.values())}
    if not series or len(labels) < 2:
        return None
    return lines(
        "Forward time, release by release",
        "Median forward time of this model; where it does not run there is no mark.",
        labels,
        {name: [own.get(label) for label in labels] for name, own in series.items()},
        milliseconds,
    )


def _case_beside(line: Line) -> Chart | None:
    rows: list[Bar] = []
    newest: dict[str, Cell] = {span.way.name: span.cell for span in line.spans}
    for number, (name, cell) in enumerate(newest.items()):
        latency = cell.record.latency
        if latency is None:
            continue
        rows.append(Bar(label=f"{name}: OpenCV", value=latency.forward_ms.median, kind=f"s{number % SERIES}"))
        for other in latency.beside:
            ratio = f"OpenCV {times(other.ratio)}: {other.speed}"
            rows.append(Bar(label=f"{name}: {other.runtime}", value=other.forward_ms.median, note=ratio, kind="other"))
    if len(rows) < 2:
        return None
    others = (
        " Other runtimes were timed in turns with OpenCV on the same weights, input and threads; below "
        f"1{TIMES} OpenCV takes less time."
    )
    beside = any(row.kind == "other" for row in rows)
    return bars(
        "Forward time on the newest release",
        f"Median forward time by route.{others if beside else ''}",
        rows,
        milliseconds,
    )


def _layer_bars(profile: Profile) -> Iterator[Bar]:
    slowest = sorted(profile.layers, key=lambda layer: -layer.ms)[:_LAYERS]
    for layer in profile.layers:
        if layer not in slowest:
            continue
        notes = [f"fused into {layer.fused_into}"] if layer.fused_into else []
        notes += [f"with {', '.join(layer.fused)}"] if layer.fused else []
        notes += ["put in by OpenCV"] if layer.inserted else []
        notes += [f"TensorFlow {milliseconds(layer.tensorflow_ms)}"] if layer.tensorflow_ms is not None else []
        kind = "s4" if layer.inserted else "s0"
        yield Bar(
            label=f"{layer.layer} {layer.class_}" if layer.layer else layer.class_,
            value=layer.ms,
            note="; ".join(notes),
            kind=kind,
        )
