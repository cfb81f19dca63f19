"""What a person sees in a terminal: tables on stdout, progress and messages on stderr. Decides nothing."""

from __future__ import annotations

import contextlib
import json
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from harness.cases import Case
from harness.detection import Detection, KindCount
from harness.encoding import to_data
from harness.errors import ExitCode
from harness.evidence import Culprit
from harness.manifests import Layout, Manifest, ModelInfo, Port, TensorSpec
from harness.records import CellId, Judgement, LayerVerdict, Outcome, Record
from harness.report.figures import share

if TYPE_CHECKING:
    from harness.cells.subjects import Seat
    from harness.usecases.seats import Place, Seats

_STYLES = {Outcome.OK: "green", Outcome.ROUTE_ABSENT: "dim", Outcome.VACUOUS: "yellow", Outcome.NO_REFERENCE: "yellow"}


_WIDE = 500
"""Columns of what is not a terminal: nothing is folded or cut that a program or a person may search for."""
_STEERING = dict.fromkeys(
    [*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)],
    "\N{REPLACEMENT CHARACTER}",
)
"""Characters that would command the terminal or turn the reading direction."""


def out_console() -> Console:
    """Return the console of data: standard output."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)


def _err() -> Console:
    return Console(stderr=True, highlight=False)


def _clean(text: str) -> str:
    """Return somebody's text fit for a terminal: names of layers and files may hold anything."""
    return text.encode("utf-8", "backslashreplace").decode().translate(_STEERING)


def shown(text: str, style: str = "") -> Text:
    """Return somebody's text as it is: rich must not look for markup or emoji codes in it."""
    return Text(_clean(text), style=style)


def say(message: str) -> None:
    """Tell the user what happens."""
    _err().print(shown(message), soft_wrap=True)


def complain(message: str) -> None:
    """Tell the user what went wrong."""
    _err().print(Text.assemble(("error:", "bold red"), " ", shown(message)), soft_wrap=True)


def defect(error: Exception) -> int:
    """Name a defect of our own: one line for the user, the traceback for whoever mends it."""
    complain(f"this is a defect of dnn-harness, not of your model: {type(error).__name__}: {error}")
    _err().print(shown("".join(traceback.format_exception(error)[-3:])), soft_wrap=True)
    return ExitCode.INTERNAL


def seating(seats: Seats) -> None:
    """Tell what was asked for and cannot be run on, what is run once only, and which words were not asked about."""
    for name, why in seats.unavailable.items():
        complain(f"left out: {name}: {why}")
    for note in seats.notes:
        say(note)
    for word, why in seats.releases.from_memory.items():
        say(f"{word} is what it was when the package index was last asked, which failed now: {why}")


def seat_line(seat: Seat, place: Place) -> str:
    """Return one seat and what its OpenCV offers, for scripts: columns divided by tabs."""
    target, offers = place.target, place.offers
    devices = (f"{backend}/{one}" for backend, targets in offers.backends.items() for one in targets)
    return "\t".join(
        (
            str(seat),
            f"OpenCV {target.opencv}, numpy {target.numpy}, Python {target.python}",
            f"reads {' '.join(offers.importers)}",
            f"engines {' '.join(offers.engines) or 'one'}",
            f"devices {' '.join(devices)}",
        )
    )


@contextlib.contextmanager
def progress(total: int, done: int = 0) -> Iterator[Callable[[Record], None]]:
    """Show a bar while the body runs; call what it gives with each record."""
    with counting(total, done) as step:
        yield lambda record: step(f"{record.case} [{record.route}] {record.outcome}")


@contextlib.contextmanager
def counting(total: int, done: int = 0) -> Iterator[Callable[[str], None]]:
    """Show a bar while the body runs, if there is anything to do; call what it gives with the name of each thing."""
    if not total:
        yield lambda name: None  # noqa: ARG005 - nothing is counted
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_err()) as bar:
        task = bar.add_task("starting", total=total, completed=done)

        def step(name: str) -> None:
            bar.update(task, advance=1, description=_clean(name)[-60:])

        yield step


@contextlib.contextmanager
def status() -> Iterator[Callable[[str], None]]:
    """Show what is under way while the body runs; call what it gives with each step."""
    with _err().status("starting") as line:
        yield lambda step: line.update(shown(step[:100]))


def summary(records: Sequence[Record], planned: int) -> None:
    """Print the counts of a run and every cell that was not as expected."""
    outcomes = Counter(record.outcome for record in records)
    line = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    out_console().print(f"{len(records)} of {planned} planned cells reported: {line}")
    for record in records:
        if record.judgement is not Judgement.AS_EXPECTED:
            out_console().print(shown(sentence(record)), soft_wrap=True)


def sentence(record: Record) -> str:
    """Return what a cell did, what it should have done, and how to see it again."""
    expected = record.expected or "ok"
    stage = f" {record.stage}:" if record.stage else ""
    details = "".join(f" {name} {value}" for name, value in (("op", record.op), ("layer", record.layer)) if value)
    hint = " - delete its expectation" if record.judgement is Judgement.FIXED else ""
    judgement = f"{record.judgement} " if record.judgement else ""
    return (
        f"{judgement}{where(record)}{stage} outcome={record.outcome}{details}, "
        f"but should be {expected}{hint}\n    {' '.join((record.message or '').split())}\n    {record.reproduce}"
    )


def where(record: Record) -> str:
    """Return a cell's name as assertion messages begin with it."""
    return str(CellId.of(record))


def model(name: str, info: ModelInfo) -> None:
    """Print what a model is."""
    console = out_console()
    title = Text.assemble(shown(name, "bold"), f"  {info.kind}, {info.parameters:,} parameters")
    console.print(title, soft_wrap=True)
    for end, tensors in (("input", info.inputs), ("output", info.outputs)):
        for tensor in tensors:
            console.print(shown(f"  {end:6} {tensor_line(tensor)}"), soft_wrap=True)
    if info.layers:
        console.print(shown(f"  layers {', '.join(info.layers)}"), soft_wrap=True)


def tensor_line(tensor: TensorSpec) -> str:
    """Return a tensor's name, shape and dtype as one line."""
    shape = ", ".join("?" if axis is None else str(axis) for axis in tensor.shape)
    limits = f" in {tensor.low:g}..{tensor.high:g}" if tensor.low is not None and tensor.high is not None else ""
    return f"{tensor.name}  [{shape}]  {tensor.dtype}{limits}"


def ports(manifests: Sequence[Manifest]) -> None:
    """Print how each route names and lays out the tensors."""
    table = Table("route", "", "name in OpenCV", "shape in OpenCV", "dtype", "layout", box=None, pad_edge=False)
    for manifest in manifests:
        for title, found in (("input", manifest.inputs), ("output", manifest.outputs)):
            for port in found:
                shape = f"[{', '.join(map(str, blob_shape(port)))}]"
                table.add_row(*map(shown, (manifest.route, title, port.name, shape, port.tensor.dtype, port.layout)))
    out_console().print(table)


def blob_shape(port: Port) -> tuple[int | None, ...]:
    """Return the shape a port has in OpenCV."""
    shape = port.tensor.shape
    if port.layout is Layout.NCHW and len(shape) == 4:
        return (shape[0], shape[3], shape[1], shape[2])
    return shape


def checked(name: str, info: ModelInfo, records: Sequence[Record]) -> None:
    """Print the answer of `check`."""
    model(name, info)
    several = len({record.target.place for record in records}) > 1
    table = Table("OpenCV", "route", "outcome", "error/allowed", "forward ms", "opset", box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for record in records:
        style = _STYLES.get(record.outcome, "red")
        forward = f"{record.latency.forward_ms.median:.3g}" if record.latency else ""
        opset = str(record.opset or "")
        row = (record.target.place, record.route, record.outcome, _margin(record), forward, opset)
        table.add_row(*(shown(word, style if word is record.outcome else "") for word in row))
    out_console().print(table)
    for record in records:
        if record.outcome is not Outcome.OK:
            release = f"OpenCV {record.target.place}" if several else ""
            out_console().print(shown(f"{record.route} {release}".strip() + f": {_what(record)}"), soft_wrap=True)
    _layers(records)
    _op_tables(records)
    for caveat in dict.fromkeys(record.caveat for record in records if record.caveat):
        routes = dict.fromkeys(record.route for record in records if record.caveat == caveat)
        out_console().print(shown(f"{', '.join(routes)}: {caveat}"), soft_wrap=True)
    for line in _property_lines(records):
        out_console().print(shown(line), soft_wrap=True)
    for line in dict.fromkeys(line for record in records for line in record.advice):
        out_console().print(shown("\n    ".join(f"tried: {line}".splitlines())), soft_wrap=True)


def _layers(records: Sequence[Record]) -> None:
    """Print every layer that fails, with where: those that fail alike on several routes and releases once."""
    found: dict[tuple[str, ...], list[str]] = {}
    for record in records:
        if record.layers is not None:
            failing = [layer for layer in record.layers if layer.outcome is not Outcome.OK]
            place = f"{record.route} on OpenCV {record.target.place}"
            told = f"{place}: {len(record.layers)} distinct layers were run alone, {len(failing)} fail"
            out_console().print(shown(told), soft_wrap=True)
            for layer in failing:
                words = (layer.name, layer.class_, layer.outcome, layer.op or "", _layer_message(layer))
                found.setdefault(words, []).append(f"{record.route} {record.target.place}")
    if found:
        table = Table("layer", "class", "outcome", "op", "where", "what", box=None, pad_edge=False)
        for (name, class_, outcome, op, message), places in found.items():
            style = _STYLES.get(Outcome(outcome), "red")
            row = (shown(name), shown(class_), shown(outcome, style), shown(op), shown(", ".join(places)))
            table.add_row(*row, shown(message))
        out_console().print(table)


def _op_tables(records: Sequence[Record]) -> None:
    """Print the operations of each exported graph: what it has, whence, and what OpenCV does with each alone."""
    for record in records:
        if record.op_table is None:
            continue
        opset = f", opset {record.opset}" if record.opset is not None else ""
        title = f"{record.route} on OpenCV {record.target.place}: operations of the exported graph{opset}"
        out_console().print(shown(title), soft_wrap=True)
        table = Table("op", "count", "outcome", "attributes", "inputs", "layers", "what", box=None, pad_edge=False)
        for row in sorted(record.op_table, key=lambda row: row.outcome is Outcome.OK):
            outcome = "not tried" if row.outcome is None else row.outcome
            style = "dim" if row.outcome is None else _STYLES.get(row.outcome, "red")
            words = (", ".join(row.inputs), _few(row.layers), (row.message or "")[:200])
            table.add_row(
                shown(row.op), str(row.count), shown(outcome, style), shown(row.attributes[:80]), *map(shown, words)
            )
        out_console().print(table)


def _few(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _layer_message(layer: LayerVerdict) -> str:
    alike = f" (and {len(layer.like)} layers like it)" if layer.like else ""
    return f"{' '.join((layer.message or '').split())[:200]}{alike}"


def _property_lines(records: Sequence[Record]) -> Iterator[str]:
    """Yield how many properties held of how many, then each broken one with the routes that break it alike."""
    tried = [found for record in records for found in record.properties]
    if tried:
        yield f"properties: {sum(found.held for found in tried)} of {len(tried)} hold"
    broken: dict[str, list[str]] = {}
    for record in records:
        for found in record.properties:
            if not found.held:
                place = f"{record.route} {record.target.place}"
                broken.setdefault(f"{found.name} does not hold: {found.message}", []).append(place)
    for what, places in broken.items():
        yield f"  {', '.join(places)}: {what}"


def _margin(record: Record) -> str:
    if record.parity is None or record.parity.max_abs is None:
        return ""
    return f"{record.parity.max_abs:.1e}/{record.parity.allowed:.1e}"


def _what(record: Record) -> str:
    blame = " ".join(f"{name} {value}:" for name, value in (("op", record.op), ("layer", record.layer)) if value)
    return "\n    ".join([" ".join(f"{blame} {record.message or ''}".split())[:400], *_to_blame(record.culprit)])


def _to_blame(culprit: Culprit | None) -> Iterator[str]:
    """Yield what is known of the layer to blame, as lines of their own."""
    if culprit is None:
        return
    allowed = f", off by {culprit.max_abs:.3g} where {culprit.allowed:.3g} is allowed" if culprit.max_abs else ""
    yield f"to blame: {culprit.layer} ({culprit.class_}): {culprit.how}{allowed}"
    if culprit.alone is not None:
        yield f"alone on the tensors that really reach it: {culprit.alone}"
    if culprit.config not in {"", "{}"}:
        yield culprit.config


def case_line(case: Case, missing: Sequence[str]) -> str:
    """Return one line of `zoo list`."""
    inputs = "; ".join(tensor_line(tensor) for tensor in case.inputs)
    needs = f"  (needs {', '.join(missing)})" if missing else ""
    return f"{case.id:44} {case.tier:5} {inputs}{needs}"


def case_row(case: Case, missing: Sequence[str], info: ModelInfo | None) -> Mapping[str, object]:
    """Return one object of `zoo list --json`; `parameters` is null where the model was not built yet."""
    return {
        "id": case.id,
        "family": case.family,
        "tier": case.tier,
        "covers": list(case.covers),
        "inputs": to_data(case.inputs),
        "parameters": None if info is None else info.parameters,
        "tags": list(case.tags),
        "missing": list(missing),
    }


def one_json_line(row: Mapping[str, object]) -> str:
    """Return one row of `--json` output."""
    return json.dumps(row, ensure_ascii=False)


def detected(found: Detection) -> None:
    """Print the table of kinds, what survived and why, the smallest fault that is seen, and the false alarms."""
    out_console().print(shown(f"OpenCV {found.opencv}: faults planted in {found.cases} cases of {found.zoo}"))
    table = Table("fault", "planted", "equivalent", "applicable", "detected", "missed", "", box=None, pad_edge=False)
    for column in table.columns[1:6]:
        column.justify = "right"
    for kind in found.kinds:
        table.add_row(*map(shown, (kind.kind, *_kind_figures(kind), kind.meaning)))
    out_console().print(table)
    rate = share(found.detected, found.applicable)
    out_console().print(
        shown(f"detected: {found.detected} of {found.applicable} applicable ({rate}; needed {found.needed:.1%})")
    )
    refused = sum(kind.refused for kind in found.kinds)
    if refused:
        out_console().print(shown(f"besides, OpenCV did not load or run {refused} faulty models, which proves nothing"))
    for survivor in found.survivors:
        word = "equivalent" if survivor.equivalent else "MISSED"
        line = f"{word}: {survivor.kind} in {survivor.case} [{survivor.route}]: {survivor.change}: {survivor.reason}"
        out_console().print(shown(line), soft_wrap=True)
    for threshold in found.thresholds:
        detected = f"{threshold.detected} of {threshold.planted} cases ({share(threshold.detected, threshold.planted)})"
        out_console().print(shown(f"one weight tensor x (1 + {threshold.excess:.0e}): detected in {detected}"))
    out_console().print(shown(f"clean cells: {found.clean_cells}, false alarms: {len(found.false_alarms)}"))
    for alarm in found.false_alarms:
        out_console().print(shown(f"false alarm: {alarm.case} [{alarm.route}]: {alarm.message}\n    {alarm.reproduce}"))
    for case, outcome in found.left_out.items():
        out_console().print(shown(f"not clean, so left out: {case} is {outcome}"))


def _kind_figures(kind: KindCount) -> tuple[str, ...]:
    counts = (kind.planted, kind.equivalent, kind.applicable, kind.detected, kind.missed)
    return tuple(str(count) for count in counts)
