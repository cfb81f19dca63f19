"""A forward pass by Keras layers: whose work each of OpenCV's layers does, and what no Keras layer asked for. Pure.

Joined on exported names, as failures are (`diagnose.py`). What OpenCV computes together has one time: it is that of the
layer which does the work, and the others say so.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from harness.anatomy import Anatomy
from harness.pure.diagnose import keras_layer, plain_name
from harness.pure.npy import Array
from harness.timings import LayerTime, Profile

APART = 0.1
"""Share of a pass by which the sum of its layers may differ from it without a word."""
_LAYOUT = frozenset({"TransformLayout", "Permute", "Transpose", "Reshape", "Reshape2", "Const", "Identity"})
"""Types of OpenCV layers that compute nothing: put in by its importers and its engine, or by an exporter."""
_PUT_IN = re.compile(r"__\d+$")
"""How tf2onnx names a change of layout: after the node beside it, with a number."""
_COMPUTING = re.compile(r"Conv|InnerProduct|Gemm|MatMul")
_WITH_WEIGHTS = re.compile(r"Conv|Dense")
_WITHOUT_WEIGHTS = re.compile(r"Normalization|ReLU|Activation|^Add$|Padding|Rescaling")
_INTO_NEXT = re.compile(r"Padding")
"""Keras layers that are fused into what comes after them; all others go into what comes before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPair:
    """One Keras layer in two profiles, or what was put in of one type; None where a profile does not have it."""

    layer: str | None
    kind: str
    """Keras class; of what was put in, OpenCV's type."""
    before_ms: float | None
    after_ms: float | None

    @property
    def change_ms(self) -> float:
        """Milliseconds that it takes longer."""
        return (self.after_ms or 0.0) - (self.before_ms or 0.0)


def profile(
    layers: Sequence[tuple[str, str]],
    ms: Array,
    forward_ms: Sequence[float],
    node_layers: Mapping[str, str],
    anatomy: Anatomy,
) -> Profile:
    """Return the layers of some passes: `layers` are OpenCV's names and types, `ms` is (passes, layers).

    The figures are means over the quietest quarter of the passes: one interruption would make some layer the slowest,
    and what belongs together still adds up. Without `node_layers`, the rows are OpenCV's own layers.
    """
    kept = _quietest(forward_ms)
    means = ms[kept].mean(axis=0)
    whole = float(np.mean([forward_ms[place] for place in kept]))
    idle = [not bool((column > 0).any()) for column in ms.T]
    steps = [
        _Step(plain_name(name), type_, float(mean), none)
        for (name, type_), mean, none in zip(layers, means, idle, strict=True)
    ]
    rows = tuple(_rows(steps, node_layers, anatomy))
    total = float(means.sum())
    return Profile(
        layers=rows, total_ms=round(total, 6), forward_ms=round(whole, 6), note=_note(total, whole, len(steps))
    )


def side_by_side(before: Profile, after: Profile) -> tuple[LayerPair, ...]:
    """Return the layers of two profiles, joined on Keras name, what changed most first."""
    sides = [_by_name(one) for one in (before, after)]
    pairs = [
        LayerPair(layer=layer, kind=kind, before_ms=sides[0].get(key), after_ms=sides[1].get(key))
        for key in dict.fromkeys(chain(*sides))
        for layer, kind in [key]
    ]
    return tuple(sorted(pairs, key=lambda pair: -abs(pair.change_ms)))


def with_tensorflow(found: Profile, ms: Mapping[str, float]) -> Profile:
    """Return a profile with what each layer takes alone in TensorFlow, where that is known."""
    return replace(
        found, layers=tuple(replace(row, tensorflow_ms=ms.get(row.layer)) if row.layer else row for row in found.layers)
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """One of OpenCV's layers."""

    name: str
    type_: str
    ms: float
    idle: bool
    """Whether another one does its work: it took not one tick in any pass."""


def _quietest(times: Sequence[float]) -> list[int]:
    return sorted(range(len(times)), key=lambda place: times[place])[: math.ceil(len(times) / 4)]


def _note(total: float, whole: float, count: int) -> str | None:
    apart = whole - total
    if abs(apart) <= APART * whole:
        return None
    if apart < 0:
        return f"OpenCV's layers add up to {-apart:.3g} ms more than a whole pass took: its own clock reads otherwise"
    return (
        f"{apart:.3g} ms of a pass are spent around OpenCV's {count} layers, not in them: the call from Python, "
        f"tensors taken in and given out, going from one layer to the next ({1000 * apart / max(count, 1):.2g} µs each)"
    )


def _rows(steps: Sequence[_Step], node_layers: Mapping[str, str], anatomy: Anatomy) -> Iterator[LayerTime]:
    """Yield Keras layers in the order of their work, then what was put in, by type."""
    if not node_layers:
        yield from (LayerTime(layer=one.name, class_=one.type_, ms=round(one.ms, 6)) for one in steps)
        return
    kin = _Kin(anatomy, node_layers)
    owners = kin.owners(steps)
    own: dict[str, list[_Step]] = defaultdict(list)
    other: dict[tuple[str, bool], list[_Step]] = defaultdict(list)
    for step, owner in zip(steps, owners, strict=True):
        if owner is not None:
            own[owner].append(step)
        elif not step.idle:
            other[(step.type_, step.type_ in _LAYOUT)].append(step)
    working = {layer: place for place, (layer, found) in enumerate(own.items()) if not all(one.idle for one in found)}
    hosts = {layer: kin.host(layer, working) for layer in kin.order([*own]) if layer not in working}
    for layer in kin.order([*own]):
        found = own.get(layer, [])
        yield LayerTime(
            layer=layer,
            class_=kin.classes.get(layer, ""),
            ms=round(sum(one.ms for one in found), 6),
            steps=tuple(one.type_ for one in found if not one.idle),
            fused=tuple(guest for guest, host in hosts.items() if host == layer),
            fused_into=hosts.get(layer),
        )
    for (type_, layout), found in other.items():
        steps_ms = round(sum(one.ms for one in found), 6)
        types = tuple(one.type_ for one in found)
        yield LayerTime(layer=None, class_=type_, ms=steps_ms, steps=types, inserted=layout)


class _Kin:
    """Which Keras layers there are, and which come before and after each."""

    def __init__(self, anatomy: Anatomy, node_layers: Mapping[str, str]) -> None:
        self._node_layers = node_layers
        self.classes = {part.layer: part.class_ for part in anatomy.parts}
        self._before: dict[str, dict[str, None]] = {part.layer: {} for part in anatomy.parts}
        self._after: dict[str, dict[str, None]] = {part.layer: {} for part in anatomy.parts}
        for part in anatomy.parts:
            for source in (anatomy.parts[place].layer for place in part.after):
                if source != part.layer:
                    self._before[part.layer][source] = None
                    self._after[source][part.layer] = None

    def order(self, seen: Sequence[str]) -> list[str]:
        """Return all layers: those of the model in the order of their work, then any others that were seen."""
        return list(dict.fromkeys([*self.classes, *seen]))

    def owners(self, steps: Sequence[_Step]) -> list[str | None]:
        """Return the Keras layer of each step, None for what no layer asked for."""
        found = [self._named(step) for step in steps]
        odd = [place for place, step in enumerate(steps) if self._is_misnamed(step, found[place])]
        taken = {layer for place, layer in enumerate(found) if layer is not None and place not in odd}
        for place in reversed(odd):  # backwards: what comes next is known by then
            own = found[place]
            following = own or next((layer for layer in found[place + 1 :] if layer is not None), None)
            found[place] = self._unnamed_before(following, taken) or own
            taken.add(found[place] or "")
        return _closed(steps, found)

    def _is_misnamed(self, step: _Step, layer: str | None) -> bool:
        """Whether a step multiplies by weights, but is named after no layer, or after one that has no such weights.

        Converters fold a normalisation into the convolution before it; what results has a name of its own, or its.
        """
        if not _COMPUTING.search(step.type_):
            return False
        return layer is None or _WITHOUT_WEIGHTS.search(self.classes.get(layer, "")) is not None

    def _named(self, step: _Step) -> str | None:
        exact = self._node_layers.get(step.name)
        if step.type_ in _LAYOUT and (exact is None or _PUT_IN.search(step.name)):
            return None
        return exact or keras_layer(step.name, self._node_layers) or self._by_beginning(step.name)

    def _by_beginning(self, name: str) -> str | None:
        """Return the layer of the longest exported name that a name begins with: OpenCV 5 appends `_pre`, `_post`."""
        known = [node for node in self._node_layers if name.startswith(f"{node}_")]
        return self._node_layers[max(known, key=len)] if known else None

    def _unnamed_before(self, layer: str | None, taken: set[str]) -> str | None:
        """Return the last layer with weights that no step is named after: one that this one needs, or beside it."""
        free = [name for name in self.classes if name not in taken and self._has_weights(name)]
        needed = self._needed(layer)
        before = [name for name in free if name in needed]
        beside = [name for name in free if layer not in self._needed(name)]
        return next(reversed(before or beside), None)

    def _has_weights(self, layer: str) -> bool:
        return _WITH_WEIGHTS.search(self.classes[layer]) is not None

    def host(self, layer: str, working: Mapping[str, int]) -> str | None:
        """Return the nearest layer that does this one's work: of several, the one that OpenCV runs last."""
        ways = [self._before, self._after]
        if _INTO_NEXT.search(self.classes.get(layer, "")):
            ways.reverse()
        for way in ways:
            level, seen = set(way.get(layer, {})), {layer}
            while level:
                if there := [name for name in level if name in working]:
                    return max(there, key=lambda name: working[name])
                seen |= level
                level = {name for one in level for name in way.get(one, {})} - seen
        return None

    def _needed(self, layer: str | None) -> set[str]:
        """Return all layers on the ways to this one; all there are where it is none: then it is the network's end."""
        if layer is None:
            return set(self.classes)
        waiting, seen = [*self._before.get(layer, {})], set[str]()
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += self._before[name]
        return seen


def _closed(steps: Sequence[_Step], owners: Sequence[str | None]) -> list[str | None]:
    """Return the owners, those of steps without a name that lie among steps of one layer filled in."""
    after: list[str | None] = [None] * len(owners)
    for place in range(len(owners) - 2, -1, -1):
        after[place] = owners[place + 1] or after[place + 1]
    found, before = list(owners), None
    for place, step in enumerate(steps):
        if owners[place] is None and step.type_ not in _LAYOUT and before == after[place]:
            found[place] = before
        before = owners[place] or before
    return found


def _by_name(found: Profile) -> dict[tuple[str | None, str], float]:
    return {(row.layer, row.class_): row.ms for row in found.layers}
