"""Slower, faster, or cannot tell: two releases timed in turns on one cell, held against the noise of that very run.

Each round times both, one after the other, so that whatever slows the machine slows both. The ratio of a round is free
of slow drifts; how much two neighbouring rounds of the *same* release differ is the noise of this machine at this
moment. The interval is that of the median by order statistics, which assumes nothing about how times are distributed
(David & Nagaraja, Order Statistics, 7.1). Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

CONFIDENCE = 0.95
LEAST_TIMES = 6
"""Fewer times give no interval of their median at this confidence."""
LEAST = 1.05
"""Ratios nearer to 1 than this are of no interest, however sure."""
MOST = 1.25
"""In more noise than this nothing is alike: too much could hide in it."""


class Speed(StrEnum):
    """The opinion on a ratio of times."""

    SLOWER = "slower"
    FASTER = "faster"
    ALIKE = "alike"
    CANNOT_TELL = "cannot-tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """One cell's time after over its time before."""

    case: str
    route: str
    engine: str
    before_ms: float
    """Median of the rounds' medians."""
    after_ms: float
    ratio: float
    """Median of the rounds' ratios."""
    low: float
    high: float
    """Interval of the ratio's median, at 95 % at least."""
    noise: float
    """Ratio that two neighbouring rounds of one release reach, nine times in ten; 1 is none."""
    rounds: int
    speed: Speed

    def __str__(self) -> str:
        """Return it as one phrase."""
        return (
            f"{self.before_ms:.3g} -> {self.after_ms:.3g} ms: x {self.ratio:.2f} ({self.low:.2f} to {self.high:.2f}), "
            f"the noise is x {self.noise:.2f}"
        )


def pace(case: str, route: str, engine: str, before: Sequence[float], after: Sequence[float]) -> Pace:
    """Return the opinion on milliseconds of rounds: `before[i]` and `after[i]` were timed one right after the other.

    Raises ValueError for fewer than six rounds, which give no interval at this confidence.
    """
    logs = sorted(math.log(new / old) for old, new in zip(before, after, strict=True))
    low, high = interval(logs)
    noise = _noise(before, after)
    return Pace(
        case=case,
        route=route,
        engine=engine,
        before_ms=round(median(before), 6),
        after_ms=round(median(after), 6),
        ratio=round(math.exp(median(logs)), 4),
        low=round(math.exp(low), 4),
        high=round(math.exp(high), 4),
        noise=round(math.exp(noise), 4),
        rounds=len(logs),
        speed=_opinion(low, high, max(noise, math.log(LEAST))),
    )


def _opinion(low: float, high: float, noise: float) -> Speed:
    if low > noise:
        return Speed.SLOWER
    if high < -noise:
        return Speed.FASTER
    within = -noise <= low and high <= noise <= math.log(MOST)
    return Speed.ALIKE if within else Speed.CANNOT_TELL


def interval(ordered: Sequence[float]) -> tuple[float, float]:
    """Return the narrowest pair of order statistics between which the median lies with this confidence.

    `ordered` goes from least to most. Raises ValueError for fewer than six, among which there is no such pair.
    """
    count = len(ordered)
    outside = 0.0
    rank = -1
    while rank + 1 < count / 2:
        outside += 2 * math.comb(count, rank + 1) / 2**count
        if outside > 1 - CONFIDENCE:
            break
        rank += 1
    if rank < 0:
        raise ValueError(f"{count} rounds give no interval at {CONFIDENCE:.0%}; time six at least")
    return ordered[rank], ordered[count - 1 - rank]


def _noise(*series: Sequence[float]) -> float:
    steps = sorted(abs(math.log(b / a)) for times in series for a, b in pairwise(times))
    return steps[min(len(steps) - 1, math.ceil(0.9 * len(steps)) - 1)]
