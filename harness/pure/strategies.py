"""Hypothesis strategies for input plans; apart from `inputs.py`, so that expanding one does not import hypothesis."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from hypothesis import strategies as st

from harness.pure.inputs import SPECIAL, InputPlan, Kind

ORDINARY = tuple(kind for kind in Kind if kind not in {plan.kind for plan in SPECIAL})
"""Kinds on which parity is demanded. Denormals are not: flushing them to zero is a legitimate choice of a library."""

MOST_DRAWN_ITEMS = 5

SCALES = (1.0, 0.5, 4.0, 0.01, 100.0)
"""Plainest first, which is where a failing plan shrinks to."""


def plans() -> st.SearchStrategy[InputPlan]:
    """Return the strategy that draws one input plan, shrinking towards one item, a ramp of seed 0 and scale 1."""
    return st.builds(
        InputPlan,
        kind=st.sampled_from(ORDINARY),
        seed=st.integers(min_value=0, max_value=10_000),
        scale=st.sampled_from(SCALES),
        items=st.integers(min_value=1, max_value=MOST_DRAWN_ITEMS),
    )


def further(name: str) -> Iterator[InputPlan]:
    """Yield plans of every kind and scale in turn, for every name from another place on, the same ones every time."""
    seed = zlib.crc32(name.encode()) % 1_000_000
    while True:
        kind, scale = ORDINARY[seed % len(ORDINARY)], SCALES[seed // len(ORDINARY) % len(SCALES)]
        yield InputPlan(kind=kind, seed=seed, scale=scale)
        seed += 1
