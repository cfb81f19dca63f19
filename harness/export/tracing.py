"""What a Keras model must not do while it is traced for export: loop where it could write out, and change itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MOST_STEPS = 256
"""More would make graphs that no converter ends with in reasonable time."""


def is_recurrent(model: Any) -> bool:
    """Whether a Keras model has a recurrent layer, at any depth."""
    import keras

    return any(isinstance(layer, keras.layers.RNN) for layer in model._flatten_layers())


@contextmanager
def unrolled() -> Iterator[None]:
    """Let recurrent layers write out their steps, if their number is known and moderate.

    Keras makes a While loop over lists of tensors of them, which no importer but that of OpenCV 5's new engine knows
    at all. The steps themselves are ordinary products and sums, on the same weights.
    """
    from keras.src import backend
    from keras.src.tree import flatten

    original = backend.rnn

    def rnn(step: Any, inputs: Any, states: Any, **options: Any) -> Any:
        steps = flatten(inputs)[0].shape[0 if options.get("time_major") else 1]
        if steps is not None and steps <= MOST_STEPS:
            options["unroll"] = True
        return original(step, inputs, states, **options)

    backend.rnn = rnn
    try:
        yield
    finally:
        backend.rnn = original


@contextmanager
def without_updates() -> Iterator[None]:
    """Let no variable be assigned: the states of stateful layers, the counters of random ones.

    What is exported is a function of its inputs. TensorFlow cannot freeze a variable that the graph assigns ("Input 0
    of node AssignVariableOp was passed float").
    """
    from keras.src.backend.tensorflow.core import Variable

    original = Variable._direct_assign
    Variable._direct_assign = lambda *_arguments: None
    try:
        yield
    finally:
        Variable._direct_assign = original
