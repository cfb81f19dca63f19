"""A zoo of three small networks, the second of which is not built as long as the file named by HELD_ZOO exists.

That is how tests stop a run in its middle, at a place they know.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from harness.cases import Case
from harness.manifests import TensorSpec


def _net(units: int) -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [keras.Input((6, 9, 3)), layers.Conv2D(units, 3, activation="relu"), layers.Flatten(), layers.Dense(5)]
    )


def _held() -> Any:
    hold = Path(os.environ["HELD_ZOO"])
    if hold.exists():
        hold.with_suffix(".reached").touch()
    while hold.exists():
        time.sleep(0.05)
    return _net(4)


_INPUTS = (TensorSpec(name="image", shape=(1, 6, 9, 3)),)
CASES = tuple(
    Case(id=f"held/{name}", build=build, inputs=_INPUTS, module=__name__)
    for name, build in (("a-first", lambda: _net(3)), ("b-held", _held), ("c-last", lambda: _net(5)))
)
