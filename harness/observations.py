"""What a worker saw, raw and whole, and what a build of OpenCV says that it has. No opinion.

Pure data. May not do I/O, look at a clock, or import pytest, TensorFlow or cv2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.records import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a build of OpenCV says that it has."""

    engines: tuple[str, ...] = ()
    """Names of `ENGINE_*`; empty where there is one engine only."""
    importers: tuple[str, ...] = ()
    """Formats that it reads: `pb`, `onnx`, `tflite`."""
    backends: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Backend -> targets that `getAvailableTargets` gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CvError:
    """An exception raised inside the worker, with the fields that `cv2.error` carries."""

    kind: str
    """Exception class: `cv2.error`, `MemoryError`, ..."""
    message: str
    code: int | None = None
    err: str | None = None
    func: str | None = None
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a worker saw, raw and whole. No opinion. Output arrays travel beside it, not in it."""

    stage: Stage
    """The stage that was under way when it ended: FORWARD with no error means that all went through."""
    error: CvError | None = None
    stderr: str = ""
    signal: str | None = None
    """Name of the signal that ended the worker (`SIGSEGV`), or None."""
    exit_status: int | None = None
    """Exit status of a worker that ended by itself, or None."""
    timed_out_after: float | None = None
    """Deadline in seconds that was overrun, or None."""
    importer_absent: str | None = None
    """Name of the importer that this release does not have, or None."""
    empty_net: bool = False
    """`Net.empty()` after a load that raised nothing: OpenCV 5's silent failure."""
    engine_used: str = ""
    output_names: tuple[str, ...] = ()
    output_shapes: tuple[tuple[int, ...], ...] = ()
    load_ms: float | None = None
    first_ms: float | None = None
    """The first forward after the load."""
    forward_ms: tuple[float, ...] = ()
    threads: int | None = None
    """OpenCV's thread count, as it said itself after the load."""
    peak_rss_bytes: int | None = None
