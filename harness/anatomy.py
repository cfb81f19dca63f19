"""A network taken apart: its layers in the order of their work, and the tensors between them. Pure data."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from harness.evidence import Node
from harness.manifests import TensorSpec

_END = re.compile(r"output_\d+:0$")
"""A network's own outputs: OpenCV is asked for them whatever their dtype."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one Keras layer (or, where there are none, one name scope of the graph) does in one go.

    A layer that works in several goes, such as attention around its softmax, is several parts of one name.
    """

    layer: str
    class_: str
    """Keras class; without Keras layers the ops, by frequency."""
    config: str
    """Its configuration as bounded JSON; empty where there is none."""
    inputs: tuple[str, ...]
    """Tensors (`node:0`) that come from other parts or are the network's own inputs."""
    outputs: tuple[TensorSpec, ...]
    """Tensors that other parts or the network's caller take, named as in `inputs`."""
    after: tuple[int, ...]
    """Places of the parts that it takes tensors from."""
    likeness: str = ""
    """Digest of what it computes on which shapes, whatever its weights: equal for parts that compute alike."""

    @property
    def taps(self) -> tuple[str, ...]:
        """The outputs that can be compared: floats of known shape, and what the network itself gives."""
        known = [spec for spec in self.outputs if spec.shape and None not in spec.shape]
        return tuple(spec.name for spec in known if spec.dtype == "float32" or _END.match(spec.name))

    @property
    def gives(self) -> bool:
        """Whether one of its outputs is the network's own."""
        return any(_END.match(spec.name) for spec in self.outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Layers of a network that compute alike, whatever their weights: one of them stands for all."""

    layer: str
    """Name of the first."""
    class_: str
    config: str
    places: tuple[int, ...]
    """Its parts, in the order of their work."""
    like: tuple[str, ...] = ()
    """Names of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """All parts of a network; each comes after those that it takes tensors from."""

    parts: tuple[Part, ...]
    inputs: tuple[str, ...] = ()
    """The network's own inputs as tensors, in order."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The network as its picture needs it."""
        return tuple(Node(layer=part.layer, class_=part.class_, after=part.after) for part in self.parts)

    def kinds(self) -> tuple[Kind, ...]:
        """Return the distinct layers, in the order of their first one's work."""
        places: dict[str, list[int]] = {}
        for place, part in enumerate(self.parts):
            places.setdefault(part.layer, []).append(place)
        found: dict[tuple[str, ...], Kind] = {}
        for layer, own in places.items():
            likeness = tuple(self.parts[place].likeness for place in own)
            if likeness in found:
                found[likeness] = replace(found[likeness], like=(*found[likeness].like, layer))
            else:
                first = self.parts[own[0]]
                found[likeness] = Kind(layer=layer, class_=first.class_, config=first.config, places=tuple(own))
        return tuple(found.values())

    def chain_to(self, end: int) -> list[int]:
        """Return places of parts from an input to `end`, each a direct predecessor of the next: the longest way."""
        longest: dict[int, int] = {}
        for place in range(end + 1):
            longest[place] = 1 + max((longest[before] for before in self.parts[place].after), default=0)
        chain = [end]
        while before := self.parts[chain[-1]].after:
            chain.append(max(before, key=lambda place: longest[place]))
        return chain[::-1]
