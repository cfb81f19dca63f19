"""Layers written another way while a model is traced: the very code that a user is told to write is what runs.

A layer's call is answered by the way's `replacement`, or the layer runs and one TensorFlow operation in it is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from harness.errors import ExportFailedError, UsageError
from harness.export.advice import WAYS
from harness.sources import Rewrite

_TRAINING = frozenset({"training"})


class Rewriter:
    """Answers the calls of some layers."""

    def __init__(self, rewrites: Sequence[Rewrite]) -> None:
        """Raise UsageError for a way that nobody wrote down."""
        unknown = [one.way for one in rewrites if one.way not in WAYS]
        if unknown:
            raise UsageError(f"there is no way {unknown[0]!r} to write a layer; there are {', '.join(sorted(WAYS))}")
        self._ways = {one.layer: WAYS[one.way] for one in rewrites}
        self._called: set[str] = set()

    def call(
        self, name: str, maker: Any, run: Callable[[], Any], arguments: Sequence[Any], options: Mapping[str, Any]
    ) -> Any:
        """Return what a layer's call gives, by its other way where it has one."""
        way = self._ways.get(name)
        if way is None:
            return run()
        replacement = way.replacement(maker)
        self._called.add(name)
        if way.operation is not None:
            with _answering(way.operation, replacement):
                return run()
        import tensorflow as tf

        kept = {key: value for key, value in options.items() if key not in _TRAINING and value is not None}
        if "mask" in kept:
            raise ExportFailedError(f"layer {name!r} is given a mask, which {way.name!r} does not heed")
        with tf.name_scope(f"{name}_rewritten/"):  # names of other nodes must not depend on what is made here
            return replacement(*arguments, **kept)

    def stands_for(self, name: str) -> bool:
        """Whether a whole layer is answered, so that what is made meanwhile is its own work."""
        way = self._ways.get(name)
        return way is not None and way.operation is None

    def refuse_unknown_layers(self) -> None:
        """Raise ExportFailedError for a layer that was not called while the model was traced."""
        if idle := self._ways.keys() - self._called:
            raise ExportFailedError(f"there is no layer {min(idle)!r} that could be written another way")


@contextmanager
def _answering(operation: str, replacement: Callable[..., Any]) -> Iterator[None]:
    """Answer an operation of TensorFlow, such as `Erfinv`, in the graph that is being made."""
    import tensorflow as tf

    graph = tf.compat.v1.get_default_graph()
    original = graph._create_op_internal
    busy = False

    def create(op_type: str, inputs: Sequence[Any], *arguments: Any, **options: Any) -> Any:
        nonlocal busy
        if op_type != operation or busy:
            return original(op_type, inputs, *arguments, **options)
        busy = True  # the replacement may use the operation on something smaller
        try:
            return tf.identity(replacement(*inputs)).op
        finally:
            busy = False

    graph._create_op_internal = create
    try:
        yield
    finally:
        del graph._create_op_internal
