"""A network in TensorFlow, timed by its own clock: as a whole, and each layer alone on what really reaches it.

As its users run it: a compiled `tf.function`, oneDNN's kernels where TensorFlow takes them, no determinism asked for.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.anatomy import Anatomy, Part
from harness.errors import HarnessError
from harness.export import cutting
from harness.export.dissecting import take_apart
from harness.export.network import Network
from harness.sources import Cut, Source

_LAYER_MS = 10.0
"""What the passes of a layer should take that are run in one call, which itself takes 0.2 ms."""
_LAYER_PASSES = (2, 200)
"""Least and most of them."""
_CALLS = 9
_TAPS_AT_ONCE = 64
_MUCH = 60.0
"""Seconds after which no further call of a layer is made."""

Pass = Callable[[], object]


def start(threads: int) -> str:
    """Import TensorFlow, have it compute with so many threads, and return its release."""
    sys.modules["cv2"] = None  # type: ignore[assignment]  # Keras imports it where it finds one; it stays out of here
    import logging

    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.get_logger().setLevel(logging.ERROR)
    return str(tf.__version__)


class Timed:
    """One network with one input."""

    def __init__(self, source: Source, feed: Path) -> None:
        """Open the network and run it once. Raises HarnessError where there is none, and what TensorFlow raises."""
        from harness.export.opening import open_source

        self._network = open_source(source)
        if self._network.file_only:
            raise HarnessError(f"a {self._network.kind} file holds no TensorFlow graph")
        self.weights_digest = self._network.weights_digest
        self._inputs = _read(feed, self._network)
        self._pass, self.how = _compiled(self._network.function, self._inputs)

    def close(self) -> None:
        """Free the network."""
        self._network.close()

    def times(self, repeats: int, seconds: float) -> list[float]:
        """Return the milliseconds of so many passes, fewer where `seconds` are spent."""
        return _times(self._pass, repeats, seconds)

    def layers(self, seconds: float) -> dict[str, float]:
        """Return the milliseconds of each layer alone; nothing where that takes more than `seconds`.

        A call costs more than most layers, so each is run in a loop within one, less what the loop itself costs. Layers
        that take or give what cannot be cut out (masks, tensors of open shapes) are left out.
        """
        until = time.perf_counter() + seconds
        anatomy = take_apart(self._network)
        reaching = self._reaching(anatomy)
        loop = _in_a_loop(*_nothing())
        found: dict[str, list[float | None]] = defaultdict(list)
        for part in anatomy.parts:
            if time.perf_counter() > until:
                return {}
            found[part.layer].append(self._alone(part, reaching))
        return {
            layer: round(sum(max(0.0, ms - loop) for ms in times if ms is not None), 6)
            for layer, times in found.items()
            if None not in times
        }

    def _reaching(self, anatomy: Anatomy) -> dict[str, Any]:
        """Return the tensors between the parts, by name, computed from the input; those that cannot be are left out."""
        found = dict(zip(anatomy.inputs, self._inputs, strict=True))
        static = {spec.name for part in anatomy.parts for spec in part.outputs if spec.shape and None not in spec.shape}
        wanted = [name for part in anatomy.parts for name in part.inputs if name in static and name not in found]
        wanted = list(dict.fromkeys(wanted))
        for place in range(0, len(wanted), _TAPS_AT_ONCE):
            some = wanted[place : place + _TAPS_AT_ONCE]
            network = cutting.cut(self._network, Cut(outputs=tuple(some)))
            given = [found[f"{name}:0"] for name in network.interface.input_names]  # the model's own keep their names
            found.update(zip(some, network.function(*given), strict=True))
            network.close()
        return found

    def _alone(self, part: Part, reaching: dict[str, Any]) -> float | None:
        """Return the milliseconds of one part; None where it cannot be run alone."""
        outputs = tuple(spec.name for spec in part.outputs if spec.shape and None not in spec.shape)
        if not outputs or not all(name in reaching for name in part.inputs):
            return None
        try:
            _, reached = cutting.between(self._network.whole, part.inputs, outputs)
            given = tuple(name for name in part.inputs if name in reached)
            network = cutting.cut(self._network, Cut(outputs=outputs, inputs=given))
            spent = _in_a_loop(network.function, [reaching[name] for name in given])
            network.close()
        except Exception:  # whatever a layer's ops do when cut out: then nothing is said of it
            return None
        return spent


def _read(feed: Path, network: Network) -> list[Any]:
    import tensorflow as tf

    with np.load(feed, allow_pickle=False) as stored:
        specs = network.interface.inputs
        return [tf.constant(stored[f"i{place}"].astype(spec.dtype)) for place, spec in enumerate(specs)]


def _compiled(function: Any, inputs: Sequence[Any]) -> tuple[Pass, str]:
    """Return one pass, to where the outputs are numpy arrays, and how it is compiled where that is not as usual."""
    import tensorflow as tf

    def usual() -> list[Any]:
        return [tensor.numpy() for tensor in function(*inputs)]

    try:
        usual()
    except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError):  # channels first: for graphics cards alone
        whole = tf.function(function, jit_compile=True, autograph=False)

        def fused() -> list[Any]:
            return [tensor.numpy() for tensor in whole(*inputs)]

        fused()
        return fused, " (XLA)"
    return usual, ""


def _nothing() -> tuple[Any, Sequence[Any]]:
    """Return a function that only hands its input on, and an input."""
    import tensorflow as tf

    given = tf.constant(0.0)
    return tf.function(lambda tensor: [tf.identity(tensor)]).get_concrete_function(given), [given]


def _times(one: Pass, repeats: int, seconds: float) -> list[float]:
    spent: list[float] = []
    while len(spent) < repeats and sum(spent) <= seconds * 1000:
        started = time.perf_counter()
        one()
        spent.append((time.perf_counter() - started) * 1000)
    return spent


def _in_a_loop(function: Any, inputs: Sequence[Any]) -> float:
    """Return the milliseconds of one pass among many within a graph."""
    import tensorflow as tf

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def loop(passes: Any, *given: Any) -> Any:
        def again(done: Any, *_before: Any) -> Any:
            return (done + 1, *function(*given))

        start = (tf.constant(0), *function(*given))
        return tf.while_loop(lambda done, *_before: done < passes, again, start, parallel_iterations=1)

    traced = loop.get_concrete_function(tf.constant(0), *inputs)

    def of(passes: int) -> float:
        count = tf.constant(passes)

        def call() -> None:
            traced(count, *inputs)[0].numpy()

        return min(_times(call, _CALLS, _MUCH))  # what disturbs a call only adds to it, and much is to be taken off

    of(1)  # it is compiled at the first call
    none = of(0)
    least, most = _LAYER_PASSES
    passes = max(least, min(most, round(_LAYER_MS / max(of(1) - none, 1e-3))))
    return (of(passes) - none) / passes
