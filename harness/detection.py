"""What the self-test found, as values: how many planted faults of each kind were seen, which were not, and why.

Pure data, written as `selftest.json` by the codec of `records.py`. May not do I/O or look at a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SCHEMA = 1
NEEDED = 0.995
"""Share of the planted faults with an effect that must be detected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCount:
    """How the faults of one kind fared. `planted` = `detected` + `equivalent` + `missed`."""

    kind: str
    meaning: str
    planted: int
    """Faults that were planted, loaded and run."""
    detected: int
    equivalent: int
    """Those that change nothing: OpenCV gives the same with and without them, also on further inputs."""
    missed: int
    refused: int
    """Besides: OpenCV did not load or run the faulty model, which proves nothing about the comparison."""

    @property
    def applicable(self) -> int:
        """Faults that there is something to detect of."""
        return self.detected + self.missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """One planted fault that was judged `ok`."""

    case: str
    route: str
    kind: str
    change: str
    """What was changed, in words."""
    equivalent: bool
    reason: str
    """Why there is nothing to see, or what was not seen: the fault's effect against what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """How many of the cases in which one weight tensor was scaled by `1 + excess` were detected."""

    excess: float
    planted: int
    detected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarm:
    """A clean cell that was not judged `ok`."""

    case: str
    route: str
    message: str
    reproduce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """The whole self-test: one JSON object."""

    opencv: str
    zoo: str
    cases: int
    """Cases that were clean, so that faults could be planted in them."""
    left_out: dict[str, str]
    """Cases that were not clean before anything was planted, each with its outcome."""
    kinds: tuple[KindCount, ...]
    survivors: tuple[Survivor, ...]
    thresholds: tuple[Threshold, ...]
    clean_cells: int
    """A clean cell is one case on one further input."""
    false_alarms: tuple[FalseAlarm, ...]
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""
    finished: str = ""
    """ISO 8601, UTC."""
    needed: float = NEEDED
    schema: int = SCHEMA

    @property
    def applicable(self) -> int:
        """Faults of all kinds that there is something to detect of."""
        return sum(kind.applicable for kind in self.kinds)

    @property
    def detected(self) -> int:
        """Faults of all kinds that were detected."""
        return sum(kind.detected for kind in self.kinds)

    @property
    def rate(self) -> float:
        """Share of the applicable faults that were detected; 0 where none was planted, which proves nothing."""
        return self.detected / self.applicable if self.applicable else 0.0

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """Which bars are missed, as sentences; empty where none is."""
        found = []
        if self.rate < self.needed:
            found.append(f"{self.detected} of {self.applicable} faults were detected; {self.needed:.1%} are needed")
        if self.false_alarms:
            found.append(f"{len(self.false_alarms)} of {self.clean_cells} clean cells raised a false alarm")
        return tuple(found)
