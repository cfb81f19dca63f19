"""How near to the tolerance each target comes, on the cells that all of them computed: what the tolerance rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.records import Outcome, Record

_COMPARED = {Outcome.OK, Outcome.MISMATCH}
_SHARES = (0.5, 0.9, 0.99, 0.999)

_Place = tuple[str, str]
_Target = tuple[str, str, str]


def write_margins(records: Iterable[Record]) -> str:
    """Return a Markdown table: per target the share of cells that agree, and percentiles of error / tolerance.

    A cell counts where every target gave numbers for its case and route, so that the rows are about the same cells.
    """
    found: dict[_Target, dict[_Place, Record]] = {}
    for record in records:
        if record.outcome in _COMPARED and record.parity is not None:
            found.setdefault(_target(record), {})[record.case, record.route] = record
    shared = set.intersection(*(set(cells) for cells in found.values())) if found else set()
    head = ("target", "cells", "agree", "median", *(f"{100 * share:g} %" for share in _SHARES[1:]), "largest", "whose")
    rows = [head, ("---",) * len(head)]
    rows += [_row(target, [found[target][place] for place in sorted(shared)]) for target in sorted(found) if shared]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _target(record: Record) -> _Target:
    return (record.target.opencv, record.target.engine_asked, record.target.backend)


def _row(target: _Target, cells: Sequence[Record]) -> tuple[str, ...]:
    ranked = sorted(cells, key=_margin)
    margins = [_margin(record) for record in ranked]
    agree = sum(record.outcome is Outcome.OK for record in cells) / len(cells)
    quantiles = [f"{_nearest_rank(margins, share):.2g}" for share in _SHARES]
    return (
        " ".join(target),
        str(len(cells)),
        f"{100 * agree:.4g} %",
        *quantiles,
        f"{margins[-1]:.2g}",
        ranked[-1].case,
    )


def _margin(record: Record) -> float:
    """Return error / tolerance; infinite where one side is not finite, which JSON has no number for."""
    margin = record.parity.margin if record.parity else None
    return float("inf") if margin is None else margin


def _nearest_rank(ranked: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all values does not exceed: one that was measured."""
    return ranked[max(0, -int(-share * len(ranked) // 1) - 1)]
