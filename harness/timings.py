"""How long a network takes, as values: load, forward passes, other runtimes beside it, its layers.

Pure data. May not do I/O, look at a clock, or import pytest, TensorFlow or cv2.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Distribution of forward times, in milliseconds, by the clock of the process that ran them."""

    min: float
    median: float
    p95: float
    n: int
    low: float | None = None
    """Between `low` and `high` lies the median at 95 % at least, by order statistics; None for fewer than six times."""
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Another runtime on the same weights, input and number of threads, timed in turns with OpenCV."""

    runtime: str
    """`tensorflow` or `onnxruntime`."""
    version: str
    forward_ms: Timing
    ratio: float
    """OpenCV's time over the other's: below 1, OpenCV is faster. Median of the rounds' ratios."""
    low: float
    high: float
    """Interval of that median, at 95 % at least."""
    noise: float
    """Ratio that two neighbouring rounds of one runtime reach, nine times in ten; 1 is none."""
    speed: str
    """`slower`, `faster`, `alike` or `cannot-tell`: said of OpenCV."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTime:
    """What one Keras layer took of a forward pass, or what OpenCV put in of its own."""

    layer: str | None
    """Keras name; None for what comes from no layer (`inserted`)."""
    class_: str
    """Keras class; of what is inserted, OpenCV's type."""
    ms: float
    """Mean over the quietest quarter of the passes."""
    steps: tuple[str, ...] = ()
    """Types of the OpenCV layers that were summed, in their order."""
    fused: tuple[str, ...] = ()
    """Keras layers whose work is in this time because OpenCV computes them together."""
    fused_into: str | None = None
    """The Keras layer in whose time this one's work is; its own `ms` is 0 then."""
    inserted: bool = False
    """Whether OpenCV put it in: a change of layout, which no Keras layer asks for."""
    tensorflow_ms: float | None = None
    """The layer alone in TensorFlow, on what really reaches it; None where that was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A forward pass by its layers."""

    layers: tuple[LayerTime, ...]
    total_ms: float
    """Sum over the layers."""
    forward_ms: float
    """Mean of the same passes as a whole."""
    note: str | None = None
    """Why the sum is not the whole, where they differ by more than a tenth; or why there are no layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Load time and forward times measured inside the worker; the first forward is not among them."""

    load_ms: float
    forward_ms: Timing
    first_ms: float | None = None
    """The first forward after loading, in which OpenCV allocates and chooses."""
    threads: int | None = None
    """OpenCV's thread count, as it said itself."""
    peak_rss_bytes: int | None = None
    """Highest resident memory of the worker since the load began, cv2 itself included."""
    flops: int | None = None
    """Operations of one pass by OpenCV's own count; None where it does not offer one."""
    weights_bytes: int | None = None
    blobs_bytes: int | None = None
    """Memory of weights and of tensors by OpenCV's own count."""
    beside: tuple[Beside, ...] = ()
    profile: Profile | None = None
