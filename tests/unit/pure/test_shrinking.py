"""Making chains smaller, with a failure that is drawn on paper."""

from __future__ import annotations

from harness.chains import Chain, Link, code
from harness.pure.shrinking import candidates, shrink

CHAIN = Chain(
    links=(
        Link(class_name="Conv2D", config={"filters": 32, "kernel_size": [3, 3], "activation": "relu"}),
        Link(class_name="AveragePooling2D", config={"pool_size": [3, 3], "strides": [2, 2], "padding": "same"}),
        Link(class_name="Dense", config={"units": 10}),
    ),
    shape=(1, 28, 28, 3),
)


def pads(chain: Chain) -> bool:
    """Fail where a pool of three is padded, on images of at least two rows."""
    pools = [link.config for link in chain.links if link.class_name == "AveragePooling2D"]
    padded = any(one.get("padding") == "same" and one.get("pool_size") == [3, 3] for one in pools)
    return padded and chain.shape[1] >= 2


def test_what_does_not_matter_goes():
    smallest = shrink(CHAIN, pads, 1000)
    assert smallest.shape == (1, 2, 1, 1)
    assert smallest.links == (Link(class_name="AveragePooling2D", config={"pool_size": [3, 3], "padding": "same"}),)


def test_it_ends_after_so_many_tries_with_the_best_until_then():
    tried = []

    def fails(chain: Chain) -> bool:
        tried.append(chain)
        return pads(chain)

    assert shrink(CHAIN, fails, 5) == next(chain for chain in reversed([CHAIN, *tried]) if pads(chain))
    assert len(tried) == 5


def test_nothing_is_tried_twice():
    tried = []
    shrink(CHAIN, lambda chain: tried.append(repr(chain)) or False, 1000)
    assert len(tried) == len(set(tried)) == len({repr(chain) for chain in candidates(CHAIN)})


def test_it_is_shown_as_code():
    shown = code(Chain(links=CHAIN.links[1:2], shape=(1, 2, 1, 1)))
    assert "keras.layers.AveragePooling2D(pool_size=(3, 3), strides=(2, 2), padding='same')(x)" in shown
    compile(shown, "model.py", "exec")
