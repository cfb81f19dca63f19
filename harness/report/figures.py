"""How numbers are written in every report. One rule for each quantity, so that pages and summaries agree."""

from __future__ import annotations

import math

NONE = "\N{EN DASH}"
"""Stands where there is no number."""

TIMES = "\N{MULTIPLICATION SIGN}"
"""Follows a ratio."""


def times(value: float | None) -> str:
    """Write a ratio such as a margin: 0.26, 15, 15,000, 2e9 and the sign; `not finite` for None."""
    if value is None:
        return "not finite"
    if 0 < value < 0.01:
        return f"<0.01{TIMES}"
    if value >= 1e7:
        return f"{value:.0e}{TIMES}".replace("e+0", "e").replace("e+", "e")
    return f"{significant(value)}{TIMES}"


def milliseconds(value: float | None) -> str:
    """Write a duration given in milliseconds, with the unit that suits it."""
    if value is None:
        return NONE
    if value < 0.1:
        return f"{significant(value * 1000)} µs"
    return f"{significant(value)} ms" if value < 10_000 else f"{significant(value / 1000)} s"


def nbytes(value: float) -> str:
    """Write an amount of memory: 512 B, 1.2 MB."""
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{significant(value)} {unit}"
        value /= 1000
    return f"{significant(value)} GB"


def flops(value: float) -> str:
    """Write how many operations a forward pass takes: 3.1 MFLOP."""
    for unit in ("FLOP", "kFLOP", "MFLOP"):
        if value < 1000:
            return f"{significant(value)} {unit}"
        value /= 1000
    return f"{significant(value)} GFLOP"


def significant(value: float) -> str:
    """Write a number with about two significant digits and no exponent; whole numbers from 10 on, with commas."""
    if value == 0:
        return "0"
    if abs(value) >= 9.95:
        return f"{value:,.0f}"
    rounded = float(f"{value:.2g}")
    digits = max(0, 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:.{digits}f}"


def difference(value: float | None) -> str:
    """Write an absolute difference in scientific notation; `not finite` for None."""
    return "not finite" if value is None else f"{value:.2e}"


def duration(seconds: float) -> str:
    """Write a run's duration: `48 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{significant(seconds)} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def share(part: int, whole: int) -> str:
    """Write a part of a whole in per cent; 100 % and 0 % are said only when they are exact."""
    if whole == 0:
        return NONE
    percent = 100 * part / whole
    if part not in {0, whole}:
        percent = min(max(percent, 0.1), 99.9)
    return f"{percent:.0f} %" if percent == round(percent) or 1 <= percent <= 99 else f"{percent:.1f} %"
