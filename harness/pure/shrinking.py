"""Making a failing chain of layers smaller while it fails the same way. Pure: it is handed the trying.

Greedy: the boldest changes first, each kept if the failure stays, until none does. Leaving an entry of a configuration
out gives the layer's default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from harness.chains import Chain, Link

_SIZES = frozenset({"filters", "units", "input_dim", "output_dim", "key_dim", "value_dim", "num_heads", "depth"})
_PLAIN = frozenset({"activation", "recurrent_activation", "use_bias"})


def shrink(chain: Chain, fails: Callable[[Chain], bool], tries: int) -> Chain:
    """Return the smallest chain found that fails, after at most so many tries; `chain` itself must fail."""
    tried = {repr(chain)}
    while True:
        for smaller in candidates(chain):
            if repr(smaller) in tried:
                continue
            if not tries:
                return chain
            tries -= 1
            tried.add(repr(smaller))
            if fails(smaller):
                chain = smaller
                break
        else:
            return chain


def candidates(chain: Chain) -> Iterator[Chain]:
    """Yield chains one step smaller: fewer layers, then smaller tensors, then plainer configurations."""
    for place in range(len(chain.links) if len(chain.links) > 1 else 0):
        yield replace(chain, links=chain.links[:place] + chain.links[place + 1 :])
    for axis, size in enumerate(chain.shape):
        for smaller in _smaller(size):
            yield replace(chain, shape=(*chain.shape[:axis], smaller, *chain.shape[axis + 1 :]))
    for place, link in enumerate(chain.links):
        for config in _plainer(link.config):
            yield replace(chain, links=_with(chain.links, place, replace(link, config=config)))


def _smaller(size: int) -> Iterator[int]:
    """Yield sizes below one, the smallest first."""
    yield from sorted({other for other in (1, 2, 3, size // 4, size // 2, size - 1) if 0 < other < size})


def _plainer(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key, value in config.items():
        if key in _SIZES and isinstance(value, int):
            yield from ({**config, key: smaller} for smaller in _smaller(value))
        elif key == "use_bias" and value:
            yield {**config, key: False}
        elif key in _PLAIN and value not in {None, "linear", False}:
            yield {**config, key: "linear"}
        else:
            yield {other: config[other] for other in config if other != key}


def _with(links: tuple[Link, ...], place: int, link: Link) -> tuple[Link, ...]:
    return (*links[:place], link, *links[place + 1 :])
