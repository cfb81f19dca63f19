"""From heatmaps to coordinates, differentiably."""

from __future__ import annotations

from typing import Any

import numpy as np

from model_zoo.declare import Family, Tier, image

_family = Family(__name__, "blocks", tier=Tier.FULL)


def dsnt(keras: Any, x: Any, size: tuple[int, int] = (7, 10), points: int = 5) -> Any:
    """Return (x, y) of each keypoint in -1..1 (Nibali et al. 2018): the mean place under a spatial softmax."""
    nn, ops = keras.layers, keras.ops
    rows, columns = size
    heat = ops.reshape(nn.Conv2D(points, 1)(x), (-1, rows * columns, points))
    heat = ops.reshape(ops.softmax(heat, axis=1), (-1, rows, columns, points))
    across = ops.sum(ops.sum(heat, axis=1) * _centres(columns), axis=1)
    down = ops.sum(ops.sum(heat, axis=2) * _centres(rows), axis=1)
    return ops.stack([across, down], axis=-1)


def _centres(count: int) -> Any:
    return ((2 * np.arange(count) + 1 - count) / count).astype(np.float32)[:, np.newaxis]


CASES = (_family.graph("dsnt", image(7, 10, 6), dsnt),)
