"""What differs between releases, in a terminal. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from harness.faces.terminal import out_console, shown
from harness.pure.atlas import Atlas, AtlasCase
from harness.pure.differing import WORSE, Change, Comparison
from harness.report.changes import CHANGES
from harness.report.differences import SPEEDS, by_kind, headline

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


def atlas_answers(
    atlas: Atlas, rows: Sequence[tuple[AtlasCase, Sequence[tuple[str, str, bool, str]]]], release: str | None
) -> None:
    """Print what the atlas knows of some cases: for each way its name, what is known, whether it works, what helps."""
    console = out_console()
    table = Table(box=None, pad_edge=False)
    for column in ("case", "route", release or f"{atlas.releases[0]} to {atlas.releases[-1]}", "tried, and works"):
        table.add_column(column, overflow="fold")
    for case, ways in rows:
        for number, (route, words, works, advice) in enumerate(ways):
            name = case.case if number == 0 else ""
            table.add_row(shown(name), shown(route), shown(words, "green" if works else "red"), shown(advice))
    console.print(table)
    console.print(shown(f"{atlas.cells} cells, run {atlas.days} with {_versions(atlas)}", "dim"))


def _versions(atlas: Atlas) -> str:
    return ", ".join(f"{name} {version}" for name, version in atlas.versions.items())
