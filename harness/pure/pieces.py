"""Which parts of a network can be run by themselves, and with which others where they cannot. Pure.

OpenCV is given floats and asked for numbers: a part that takes or gives masks, positions or tensors of unknown shape
is run together with the parts at the other end of those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.anatomy import Anatomy
from harness.sources import Cut

_GIVEN = frozenset({"float32"})
_ASKED = frozenset({"float32", "int32", "int64"})
_MOST = 12
"""A part that needs more company than this is no part: nothing would be said of it by running them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Parts that are run together."""

    places: frozenset[int]
    cut: Cut


class Pieces:
    """Puts parts of one network together."""

    def __init__(self, anatomy: Anatomy) -> None:
        self._parts = anatomy.parts
        self._own = frozenset(anatomy.inputs)
        self._specs = {spec.name: spec for part in anatomy.parts for spec in part.outputs}
        self._takers: dict[int, list[int]] = {place: [] for place in range(len(anatomy.parts))}
        for place, part in enumerate(anatomy.parts):
            for source in part.after:
                self._takers[source].append(place)

    def around(self, place: int) -> Piece | None:
        """Return the smallest piece with a part in it that can be run; None where it would be too large."""
        return self._grown({place})

    def from_to(self, start: int, end: int) -> Piece | None:
        """Return what lies on the ways from one part to a later one; None where that cannot be run."""
        return self._grown({start, end}, most=len(self._parts))

    def _grown(self, places: set[int], most: int = _MOST) -> Piece | None:
        while True:
            places = set(self._between(places))
            if len(places) > most:
                return None
            missing = {other for place in places for other in self._company(place)} - places
            if not missing:
                return self._piece(frozenset(places))
            places |= missing

    def _company(self, place: int) -> Iterable[int]:
        """Yield the parts without which this one cannot be run."""
        part = self._parts[place]
        inner = [name for name in part.inputs if name not in self._own]
        if not all(self._is(name, _GIVEN) for name in inner):
            makers = {spec.name: source for source in part.after for spec in self._parts[source].outputs}
            unknown = [name for name in inner if name not in makers]
            yield from (makers[name] for name in inner if name in makers and not self._is(name, _GIVEN))
            yield from part.after if unknown else ()
        if not self._asked(place):
            yield from self._takers[place]

    def _asked(self, place: int) -> list[str]:
        """Return the tensors that a part can be asked for."""
        part = self._parts[place]
        numbers = [spec.name for spec in part.outputs if self._is(spec.name, _ASKED)]
        return list(dict.fromkeys([*part.taps, *numbers]))

    def _is(self, name: str, dtypes: frozenset[str]) -> bool:
        spec = self._specs.get(name)
        return spec is not None and bool(spec.shape) and None not in spec.shape and spec.dtype in dtypes

    def _between(self, places: set[int]) -> frozenset[int]:
        """Return the parts on any way between two of these, they included."""
        return _reached(places, lambda place: self._takers[place]) & _reached(
            places, lambda place: self._parts[place].after
        )

    def _piece(self, places: frozenset[int]) -> Piece | None:
        """Return the parts with what they take from outside and what is taken from them; None where that is nothing."""
        inside = {spec.name for place in places for spec in self._parts[place].outputs}
        inputs = dict.fromkeys(name for place in sorted(places) for name in self._parts[place].inputs)
        outside = {name for place, part in enumerate(self._parts) if place not in places for name in part.inputs}
        asked = [name for place in sorted(places) for name in self._asked(place)]
        outputs = tuple(name for name in asked if name in outside or not self._is_inner(name, places))
        if not outputs:
            return None
        return Piece(
            places=places, cut=Cut(outputs=outputs, inputs=tuple(name for name in inputs if name not in inside))
        )

    def _is_inner(self, name: str, places: frozenset[int]) -> bool:
        return any(name in self._parts[place].inputs for place in places)


def _reached(places: Iterable[int], step: Callable[[int], Iterable[int]]) -> frozenset[int]:
    reached = set(places)
    waiting = list(reached)
    while waiting:
        new = set(step(waiting.pop())) - reached
        reached |= new
        waiting += new
    return frozenset(reached)
