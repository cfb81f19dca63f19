"""Where cells run: every OpenCV of the settings x engine x device, started once to see what it is.

What cannot be provided is remembered with the reason, so that it costs its own cells and not the run.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from harness.cells.subjects import Seat
from harness.effects.config import Settings
from harness.effects.environments import Environment, Environments, is_command
from harness.effects.launching import WORKER
from harness.effects.observing import OpenCV
from harness.effects.pool import Pool
from harness.errors import EnvironmentFailedError, UsageError
from harness.observations import Capabilities
from harness.records import Target

_ONLY_ENGINE = {"default", "CLASSIC"}
"""What the one engine of OpenCV 4 is asked for by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A seat that was found to work."""

    environment: Environment
    target: Target
    offers: Capabilities


class Seats:
    """The seats of some settings; environments are made, and started once, when first asked for."""

    def __init__(self, environments: Environments, children: Pool) -> None:
        self._environments = environments
        self.releases = environments.releases
        self._children = children
        self._places: dict[Seat, Place] = {}
        self._found: dict[tuple[tuple[str, ...], ...], dict[Seat, Place]] = {}
        self._guard = threading.RLock()
        self.unavailable: dict[str, str] = {}
        """OpenCV, engine or device that was asked for beside others -> why it cannot be had."""
        self.notes: list[str] = []
        """What was left out because it is there already."""

    def known(self) -> dict[Seat, Place]:
        """Return the seats that were found so far."""
        with self._guard:
            return dict(self._places)

    def all(self, settings: Settings, *, ask: bool = False) -> dict[Seat, Place]:
        """Return every seat of the settings that can be had, in the order of the words.

        With `ask`, the package index is asked what ranges stand for. Raises EnvironmentFailedError where there is none,
        UsageError for a word that means nothing.
        """
        asked = (settings.opencv, settings.engine, settings.device)
        with self._guard:
            if ask or asked not in self._found:
                self._found[asked] = self._find(settings, ask=ask)
            return self._found[asked]

    def _find(self, settings: Settings, *, ask: bool) -> dict[Seat, Place]:
        words = self._environments.spelled_out(settings.opencv, ask=ask)
        alone = len(words) * len(settings.device) == 1
        found: dict[Seat, Place] = {}
        for word in words:
            for seat in self._of(word, settings):
                place = self._try(seat, settings, alone=alone)
                if place is not None and not self._is_there(seat, place, found):
                    found[seat] = place
        if not found:
            reasons = "; ".join(f"{name}: {why}" for name, why in self.unavailable.items())
            raise EnvironmentFailedError(f"nothing to run on: {reasons}")
        return found

    def place(self, seat: Seat, settings: Settings) -> Place:
        """Return one seat, having started it once. Raises EnvironmentFailedError."""
        with self._guard:
            if seat not in self._places:
                environment = self._environments.resolve(seat.environment)
                with self.lend(seat, environment, settings) as worker:
                    target, offers = worker.identity(), worker.offers()
                target = replace(target, opencv=environment.release or target.opencv)
                self._places[seat] = Place(environment=environment, target=target, offers=offers)
            return self._places[seat]

    def lend(
        self, seat: Seat, environment: Environment, settings: Settings
    ) -> contextlib.AbstractContextManager[OpenCV]:
        """Lend a worker that runs as the settings want it."""
        backend, _, device = seat.device.rpartition("/")
        choices: dict[str, Any] = {
            "memory_bytes": int(settings.memory_gb * (1 << 30)),
            "load_seconds": settings.load_seconds,
            "forward_seconds": settings.forward_seconds,
            "engine": seat.engine,
            "backend": backend or None,
            "target": None if device == "CPU" and not backend else device,
            "elsewhere": bool(environment.command),
        }
        command = environment.command or (str(environment.python), str(WORKER), *_standin(environment))
        return self._children.lend((*command, *choices.items()), lambda: OpenCV(command, **choices))

    def _of(self, word: str, settings: Settings) -> Iterator[Seat]:
        """Yield the seats of one OpenCV: of several engines only those that it has, each once."""
        for engine in settings.engine:
            if len(settings.engine) > 1 and not self._has(word, engine, settings):
                continue
            for device in settings.device:
                yield Seat(environment=word, engine=engine, device=device)

    def _has(self, word: str, engine: str, settings: Settings) -> bool:
        if engine == settings.engine[0] and engine in _ONLY_ENGINE:
            return True
        usual = self._try(Seat(environment=word, device=settings.device[0]), settings, alone=False)
        if usual is None:
            return engine == settings.engine[0]  # told of once
        offered = usual.offers.engines
        return engine == "default" or (engine in offered if offered else engine in _ONLY_ENGINE - set(settings.engine))

    def _try(self, seat: Seat, settings: Settings, *, alone: bool) -> Place | None:
        try:
            return self.place(seat, settings)
        except EnvironmentFailedError as error:
            if alone:
                raise
            self.unavailable[str(seat)] = str(error)
            return None

    def _is_there(self, seat: Seat, place: Place, found: dict[Seat, Place]) -> bool:
        """Whether a cell could not be told from another seat's: both have the same release, engine and backend."""
        same = [other for other, one in found.items() if _name(one.target) == _name(place.target)]
        if not same:
            return False
        if any(word.startswith("path:") or is_command(word) for word in (seat.environment, same[0].environment)):
            raise UsageError(
                f"{same[0]} and {seat} are both OpenCV {place.target.opencv}; run them apart, then `dnn-harness diff`"
            )
        self.notes.append(f"{seat} is {same[0]}; it runs once")
        return True


def _name(target: Target) -> tuple[str, str, str]:
    return target.opencv, target.engine_asked, target.backend


def _standin(environment: Environment) -> tuple[str, ...]:
    return ("--cv2-from", str(environment.cv2_from)) if environment.cv2_from else ()
