"""Ways to write a layer that may be tried, as the exporter knows them. Pure data; nothing here was run yet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One way to write one layer."""

    layer: str
    class_: str
    way: str
    """Its name in the exporter's catalogue."""
    says: str
    """What it does, as the end of the sentence `instead of it, ...`."""
    code: str
    """Keras code that defines `replacement`."""
    operation: str | None = None
    """The TensorFlow operation that `replacement` stands for; None where it stands for the whole layer."""
    bar: float = 0.0
    """For an approximation, how far it may be from the original, in shares of the output's largest value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """All that there are for some layers, exact ones first."""

    entries: tuple[Suggestion, ...] = ()
