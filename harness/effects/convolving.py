"""A network run once more without OpenCV's fast convolution, to see whether that is what its error comes from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from harness.effects.network_run import Observed
from harness.effects.observing import OpenCV
from harness.manifests import Manifest
from harness.pure.blobs import Feed
from harness.pure.npy import Array

Outputs = tuple[tuple[Array, ...], ...]


def without_winograd(
    worker: OpenCV, manifest: Manifest, model: Path, feeds: Sequence[Feed], usual: Observed
) -> Outputs:
    """Return the outputs for every feed without Winograd; empty where they could not tell of the usual run.

    In OpenCV 5.0 `Net.enableWinograd` goes over the classic engine's layers alone, while networks from `.pb` convolve
    by Winograd in the new engine too. There the classic engine answers for it, if with Winograd it gives the same bits.
    The worker is left with the usual network loaded and run, as it was found.
    """
    classic = partial(worker.observe, manifest, model, feeds, engine="CLASSIC")
    try:
        if usual.observation.engine_used != "classic" and not _same_bits(classic().outputs, usual.outputs):
            return ()
        plain = classic(winograd=False).outputs
    finally:
        worker.observe(manifest, model, feeds)
    return plain if len(plain) == len(feeds) else ()


def _same_bits(these: Outputs, those: Outputs) -> bool:
    return len(these) == len(those) and all(
        len(one) == len(other) and all(map(np.array_equal, one, other)) for one, other in zip(these, those, strict=True)
    )
