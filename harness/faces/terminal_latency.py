"""Latency in a terminal: each target's times beside other runtimes', and its slowest layers. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from harness.faces.terminal import out_console, shown
from harness.pure.differing import Comparison
from harness.pure.pace import Speed
from harness.records import Record
from harness.timings import Beside, Latency, LayerTime, Profile, Timing

_SLOWEST = 10
_CHANGED = 10
_CELLS = 20
_NAMES = {"tensorflow": "TensorFlow", "onnxruntime": "ONNX Runtime"}
_STYLES = {Speed.SLOWER: "red", Speed.FASTER: "green", Speed.ALIKE: "", Speed.CANNOT_TELL: "yellow"}


def latencies(records: Sequence[Record]) -> None:
    """Print the times of all records that have them, then the slowest layers of each."""
    found = [(record, record.latency) for record in records if record.latency is not None]
    if not found:
        return
    runtimes = list(dict.fromkeys(one.runtime for _, latency in found for one in latency.beside))
    table = Table(box=None, pad_edge=False, title=_title(found), title_justify="left", title_style="bold")
    for column in ("OpenCV", "route", "forward ms", "95 % below", "first", "load", "memory", "MFLOP"):
        table.add_column(column, justify="left" if column in {"OpenCV", "route"} else "right", no_wrap=True)
    for runtime in runtimes:
        table.add_column(f"of {_NAMES.get(runtime, runtime)}'s time", no_wrap=True)
    for record, latency in found:
        beside = {one.runtime: one for one in latency.beside}
        table.add_row(
            shown(record.target.place),
            shown(record.route),
            *map(shown, _figures(latency)),
            *(_ratio(beside.get(runtime)) for runtime in runtimes),
        )
    out_console().print(table)
    for record, latency in found:
        if latency.profile is not None:
            _layers(record, latency.profile)


def _title(found: Sequence[tuple[Record, Latency]]) -> str:
    threads = ", ".join(str(count) for count in dict.fromkeys(one.threads for _, one in found))
    besides = dict.fromkeys(
        f"{_NAMES.get(one.runtime, one.runtime)} {one.version}" for _, latency in found for one in latency.beside
    )
    others = f", in turns with {' and '.join(besides)}" if besides else ""
    return f"latency in milliseconds, threads: {threads}{others}"


def _figures(latency: Latency) -> Iterator[str]:
    yield spread(latency.forward_ms)
    yield f"{latency.forward_ms.p95:.3g}"
    yield _number(latency.first_ms)
    yield _number(latency.load_ms)
    yield "" if latency.peak_rss_bytes is None else f"{latency.peak_rss_bytes / 2**20:.0f} MiB"
    yield _number(None if latency.flops is None else latency.flops / 1e6)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def spread(timing: Timing) -> str:
    """Return a median with the interval that holds it."""
    between = "" if timing.low is None or timing.high is None else f" [{timing.low:.3g}..{timing.high:.3g}]"
    return f"{timing.median:.3g}{between}"


def _ratio(one: Beside | None) -> Text:
    if one is None:
        return Text()
    words = f"x {one.ratio:.2f} ({one.low:.2f} to {one.high:.2f}, noise x {one.noise:.2f}) {one.speed}"
    return shown(words, _STYLES.get(Speed(one.speed), ""))


def _layers(record: Record, profile: Profile) -> None:
    console = out_console()
    whole = f"{profile.total_ms:.3g} of {profile.forward_ms:.3g} ms are spent in layers"
    console.print(shown(f"{record.route} on OpenCV {record.target.place}: {whole}", "bold"), soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for column in ("layer", "class", "ms", "share", "TensorFlow ms", "OpenCV's layers", "computes as well"):
        table.add_column(column, justify="right" if column in {"ms", "share", "TensorFlow ms"} else "left")
    ranked = sorted(profile.layers, key=lambda row: -row.ms)
    for row in ranked[:_SLOWEST]:
        table.add_row(*map(shown, _row(row, profile)))
    console.print(table)
    left = [row for row in ranked[_SLOWEST:] if row.ms > 0]
    if left:
        console.print(shown(f"{len(left)} more take {sum(row.ms for row in left):.3g} ms; --json has all"))
    if profile.note:
        console.print(shown(profile.note), soft_wrap=True)


def _row(row: LayerTime, profile: Profile) -> Iterator[str]:
    yield row.layer if row.layer is not None else "(put in)" if row.inserted else "(of no layer)"
    yield row.class_
    yield f"{row.ms:.3g}"
    yield f"{row.ms / profile.total_ms:.0%}" if profile.total_ms else ""
    yield _number(row.tensorflow_ms)
    kinds = dict.fromkeys(row.steps)
    yield ", ".join(kind if row.steps.count(kind) == 1 else f"{kind} x {row.steps.count(kind)}" for kind in kinds)
    yield ", ".join(row.fused)


def layers_that_changed(comparison: Comparison) -> None:
    """Print, for cells that were profiled on both sides, the layers whose times differ most."""
    console = out_console()
    for cell in comparison.profiles[:_CELLS]:
        title = f"{cell.cell}: {cell.before_ms:.3g} -> {cell.after_ms:.3g} ms, by layer"
        table = Table(box=None, pad_edge=False)
        for column in ("layer", "class", "before ms", "after ms", "change ms"):
            table.add_column(column, justify="left" if column in {"layer", "class"} else "right")
        for pair in cell.layers[:_CHANGED]:
            figures = (_number(pair.before_ms), _number(pair.after_ms), f"{pair.change_ms:+.3g}")
            table.add_row(shown(pair.layer or "(put in)"), shown(pair.kind), *figures)
        console.print(shown(title, "bold"), soft_wrap=True)
        console.print(table)
