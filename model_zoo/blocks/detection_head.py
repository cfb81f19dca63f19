"""Heads of one-stage detectors: what people run in OpenCV up to, and not with, non-maximum suppression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Tier, image, several

_family = Family(__name__, "blocks", tier=Tier.FULL)
_LEVELS = several(image(6, 9, 5, name="fine"), image(3, 5, 7, name="coarse"))
_SAME_WIDTH = several(image(6, 9, 5, name="fine"), image(3, 4, 5, name="coarse"))
Anchors = Sequence[tuple[float, float]]


def anchor_head(keras: Any, levels: Sequence[Any], classes: int = 3, anchors: int = 2, width: int = 6) -> list[Any]:
    """Return RetinaNet's boxes and scores (Lin et al. 2017): the same two towers slide over all levels."""
    nn = keras.layers
    joined = []
    for size, activation in ((4, None), (classes, "sigmoid")):
        tower = [nn.Conv2D(width, 3, padding="same", activation="relu") for _ in range(2)]
        tower += [nn.Conv2D(anchors * size, 3, padding="same", activation=activation), nn.Reshape((-1, size))]
        joined.append(nn.Concatenate(axis=1)([_through(tower, level) for level in levels]))
    return joined


def _through(layers: Sequence[Any], x: Any) -> Any:
    for layer in layers:
        x = layer(x)
    return x


def fcos_head(keras: Any, x: Any, classes: int = 3, stride: int = 8, width: int = 6) -> dict[str, Any]:
    """Return FCOS's head (Tian et al. 2019) by name: distances to four sides, class scores and centredness."""
    nn = keras.layers
    tower = x
    for _ in range(2):
        tower = nn.ReLU()(nn.GroupNormalization(2)(nn.Conv2D(width, 3, padding="same")(tower)))
    return {
        "centredness": nn.Conv2D(1, 3, padding="same", activation="sigmoid", name="centredness")(tower),
        "distances": stride * keras.ops.exp(nn.Conv2D(4, 3, padding="same")(tower)),
        "scores": nn.Conv2D(classes, 3, padding="same", activation="sigmoid", name="scores")(tower),
    }


def yolo_head(
    keras: Any, x: Any, size: tuple[int, int], stride: int, anchors: Anchors = ((10, 13), (33, 23)), classes: int = 3
) -> Any:
    """Return YOLOv5's decoded boxes (Jocher et al. 2020): rows of centre, size, objectness and class scores.

    `size` are the rows and columns of `x`; boxes are in pixels of the image, `stride` of which are one cell.
    """
    ops = keras.ops
    rows, columns, count = *size, len(anchors)
    x = keras.layers.Conv2D(count * (5 + classes), 1)(x)
    x = ops.sigmoid(ops.reshape(x, (-1, rows, columns, count, 5 + classes)))
    centre = (x[..., 0:2] * 2 + _grid(rows, columns)) * stride
    extent = (x[..., 2:4] * 2) ** 2 * np.asarray(anchors, np.float32)
    boxes = ops.concatenate([centre, extent, x[..., 4:]], axis=-1)
    return ops.reshape(boxes, (-1, rows * columns * count, 5 + classes))


def _grid(rows: int, columns: int) -> npt.NDArray[np.float32]:
    y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    return np.stack([x, y], axis=-1)[:, :, np.newaxis].astype(np.float32) - np.float32(0.5)


def distribution_head(keras: Any, x: Any, cells: int = 54, bins: int = 8, classes: int = 3) -> Any:
    """Return YOLOv8's head (Jocher et al. 2023): each side is the mean of a distribution over bins (Li et al. 2020)."""
    nn = keras.layers
    sides = nn.Conv2D(4 * bins, 1)(conv_unit(keras, x, 8, activation="swish"))
    sides = nn.Softmax()(nn.Reshape((cells, 4, bins))(sides))
    sides = keras.ops.sum(sides * np.arange(bins, dtype=np.float32), axis=-1)
    scores = nn.Conv2D(classes, 1, activation="sigmoid")(conv_unit(keras, x, 8, activation="swish"))
    return nn.Concatenate()([sides, nn.Reshape((cells, classes))(scores)])


def ssd_head(keras: Any, levels: Sequence[Any], classes: int = 4, anchors: Sequence[int] = (3, 2)) -> list[Any]:
    """Return SSD's offsets and class probabilities (Liu et al. 2015), all levels joined."""
    nn = keras.layers
    offsets, scores = [], []
    for level, count in zip(levels, anchors, strict=True):
        offsets.append(nn.Reshape((-1, 4))(nn.Conv2D(4 * count, 3, padding="same")(level)))
        scores.append(nn.Reshape((-1, classes))(nn.Conv2D(classes * count, 3, padding="same")(level)))
    return [nn.Concatenate(axis=1)(offsets), nn.Softmax()(nn.Concatenate(axis=1)(scores))]


CASES = (
    _family.graph("anchor_head", _SAME_WIDTH, lambda keras, *levels: anchor_head(keras, levels)),
    _family.graph("fcos_head", image(6, 9, 5), fcos_head),
    _family.graph("yolo_head", image(6, 9, 5), lambda keras, x: yolo_head(keras, x, (6, 9), 8)),
    _family.graph("distribution_head", image(6, 9, 5), distribution_head),
    _family.graph("ssd_head", _LEVELS, lambda keras, *levels: ssd_head(keras, levels)),
)
