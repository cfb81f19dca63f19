"""Real photographs as inputs: the same pixels for OpenCV's `blobFromImage` and for Keras's own preprocessing.

Pure: numpy only. Where the pixels come from is the zoo's business.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from harness.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobParameters:
    """What `cv2.dnn.blobFromImage` is given: it computes `scale * (pixel - mean)` after swapping channels."""

    scale: float
    mean: tuple[float, float, float]
    """Per channel, in the order of the channels after the swap."""
    swap_rb: bool
    """Whether the network wants RGB of a BGR image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture, as OpenCV's users hold it and as the network's own authors feed it to Keras."""

    name: str
    image: npt.NDArray[np.uint8]
    """Pixels (height, width, 3), BGR as `cv2.imread` gives them."""
    blob: BlobParameters
    keras_input: npt.NDArray[np.float32]
    """Input (1, height, width, 3) after the preprocessing that belongs to the network."""

    def __post_init__(self) -> None:
        """Refuse what `blobFromImage` or the network would silently misread. Raises ValueError."""
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(f"picture {self.name!r} is {self.image.dtype}{self.image.shape}; give uint8 (H, W, 3)")
        if self.keras_input.dtype != np.float32 or self.keras_input.shape != (1, *self.image.shape):
            raise ValueError(
                f"picture {self.name!r}: the Keras input is {self.keras_input.dtype}{self.keras_input.shape}; "
                f"give float32 {(1, *self.image.shape)}"
            )


def load_pictures(reference: str) -> tuple[Picture, ...]:
    """Return the pictures that `module:callable` (a case's `picture`) gives. Raises UsageError where there are none."""
    module, colon, name = reference.partition(":")
    try:
        make = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"pictures {reference!r} cannot be found: {error}; write package.module:callable") from error
    pictures = tuple(cast("list[Picture]", make()))
    if not colon or not pictures:
        raise UsageError(f"pictures {reference!r}: got none; the callable must return at least one Picture")
    return pictures


def shrink(pixels: npt.NDArray[np.uint8], factor: int) -> npt.NDArray[np.uint8]:
    """Average (height, width, channels) pixels over squares of `factor`, rounding half up; sizes must be multiples."""
    height, width, channels = pixels.shape
    if height % factor or width % factor:
        raise ValueError(f"an image of {height}x{width} cannot be shrunk by {factor}: crop it to multiples first")
    squares = pixels.reshape(height // factor, factor, width // factor, factor, channels).astype(np.int64)
    area = factor * factor
    return np.asarray((squares.sum(axis=(1, 3)) + area // 2) // area, np.uint8)
