"""What another OpenCV changes, in a terminal. Decides nothing."""

from __future__ import annotations

from rich.table import Table

from harness.differing import WORSE, Change, Comparison
from harness.report.differences import CHANGES, SPEEDS, by_kind, headline
from harness.terminal import out_console, shown

_ROWS = 60
_STYLES = {Change.FIXED: "green", Change.IMPORTER_NEW: "green", Change.FASTER: "green"}


def compared(comparison: Comparison) -> None:
    """Print every difference, worst first, and the timings."""
    console = out_console()
    for kind, ones in by_kind(comparison).items():
        style = "red" if kind in WORSE else _STYLES.get(kind, "yellow")
        table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
        table.title = f"{CHANGES[kind].symbol} {len(ones)} {kind}"
        for column in ("cell", "before -> after", "tried, works after"):
            table.add_column(column, overflow="fold")
        for one in ones[:_ROWS]:
            table.add_row(shown(str(one.cell)), shown(one.what, style), shown("; ".join(one.advice[:2])))
        console.print(table)
        if len(ones) > _ROWS:
            console.print(f"... and {len(ones) - _ROWS} more; --json has all")
    _print_paces(comparison)
    console.print(shown(headline(comparison), "bold"))


def _print_paces(comparison: Comparison) -> None:
    if not comparison.paces:
        return
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold", title="timed in turns")
    for column in ("cell", "before ms", "after ms", "ratio", "interval", "noise", ""):
        table.add_column(column, justify="left" if column in {"cell", ""} else "right")
    for one in sorted(comparison.paces, key=lambda pace: -pace.ratio)[:_ROWS]:
        table.add_row(
            shown(f"{one.case} [{one.route}]"),
            f"{one.before_ms:.3g}",
            f"{one.after_ms:.3g}",
            f"x {one.ratio:.2f}",
            f"{one.low:.2f} to {one.high:.2f}",
            f"x {one.noise:.2f}",
            f"{SPEEDS[one.speed].symbol} {one.speed}",
        )
    out_console().print(table)
