"""What a verdict rests on, as values: the comparison, properties that need no reference, the layer to blame.

Pure data. May not do I/O, look at a clock, or import pytest, TensorFlow or cv2.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far OpenCV's numbers are from TensorFlow's, against what rounding allows (worst input)."""

    max_abs: float | None
    """Largest absolute difference from the float64 reference; None when it is not finite."""
    allowed: float
    """The derived tolerance, in the output's units."""
    margin: float | None
    """max_abs / allowed: 1 is the border; None when not finite."""
    inputs: int
    """How many inputs were compared."""
    why: str
    """Where the tolerance comes from, in words."""
    worst_input: str
    """The input plan with the largest margin, as one line that reproduces it."""
    sensitivity: float = 0.0
    """How much the reference varies between inputs, in units of `allowed`; below 1000 proves nothing."""
    output: str = ""
    """Name of the worst output."""
    plainest_input: str = ""
    """Of the inputs that fail, the plainest one; empty where none fails."""
    error_map: ErrorMap | None = None
    """Where on the worst output the error is; None where there is none to see."""
    by_input: tuple[InputMargin, ...] = ()
    """The margin on every input that was compared, in the order in which they came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputMargin:
    """How near to the tolerance one input came."""

    plan: str
    """The input plan, as one line that reproduces it."""
    margin: float | None
    """Error / allowed of its worst output, to three digits; None when not finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorMap:
    """A picture of an error: rows x columns of its largest value there, over all other axes."""

    axes: str
    """What rows and columns are, in words: `height x width`."""
    size: tuple[int, ...]
    """The output's own size along both."""
    rows: tuple[str, ...]
    """One text a row, one character a place: `0` is right, `1`-`9` shares of the largest error, `x` not finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One thing that must hold of every correct implementation, and whether it did. Apart from the outcome."""

    name: str
    """One of a few fixed words: `same-bits-twice`, `reload`, `threads`, `nan` ..."""
    held: bool
    message: str
    """What was seen, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """The layer at which a network goes wrong, in Keras's names."""

    layer: str
    class_: str
    """Keras class, or the graph's op where there is no Keras layer."""
    config: str
    """Its configuration as bounded JSON, weights left out."""
    outcome: str
    """What this layer's output shows: `mismatch`, `wrong-shape`, `runtime-error` ..."""
    how: str
    """How it was found, in words."""
    input: str = ""
    """The input plan of the network that shows it."""
    max_abs: float | None = None
    allowed: float | None = None
    alone: str | None = None
    """Outcome of the layer run alone on the tensors that really reach it; None where that was not possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One step of a network, as its picture needs it: a Keras layer, or one of the goes in which it works."""

    layer: str
    class_: str
    after: tuple[int, ...]
    """Places of the nodes that it takes tensors from; each comes before it."""
