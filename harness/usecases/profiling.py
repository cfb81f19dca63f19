"""The use case of a profile: a loaded network's forward passes by layer, given to the Keras layers they come from."""

from __future__ import annotations

from statistics import median

from harness.anatomy import Anatomy
from harness.cells.lane import Lane
from harness.cells.library import Artifact
from harness.cells.subjects import Cell
from harness.effects.network_run import Run
from harness.errors import HarnessError
from harness.pure.profiles import profile
from harness.timings import Profile

_PASSES = (8, 80)
"""Least and most passes by layer."""
_SECONDS = 5.0
"""What they should take."""


def profile_of(lane: Lane, run: Run, cell: Cell, artifact: Artifact) -> Profile | None:
    """Return what the layers of a network take that was timed as a whole before; None where OpenCV does not tell."""
    times = run.observed().observation.forward_ms
    if not times:
        return None
    least, most = _PASSES
    steps = run.profile(max(least, min(most, round(1000 * _SECONDS / max(median(times), 1e-3)))))
    if steps is None:
        return None
    anatomy = _anatomy(lane, cell, artifact)
    return profile(steps.layers, steps.ms, steps.forward_ms, artifact.manifest.node_layers, anatomy)


def _anatomy(lane: Lane, cell: Cell, artifact: Artifact) -> Anatomy:
    """Return the model's layers and what passes between them; nothing where it has no Keras layers."""
    if not artifact.manifest.node_layers:
        return Anatomy(parts=())
    try:
        return lane.library.anatomy(cell.subject)
    except HarnessError:
        return Anatomy(parts=())
