"""What a way to write a layer is."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.errors import ExportFailedError

Code = Callable[[Any], str | None]
"""The layer (or the operation of `keras.ops`) -> Keras code that defines `replacement`; None where it does not apply.

The code may use `keras`, `ops` (keras.ops), `np`, `math` and `layer`, the layer it stands for, with its weights.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Another way to write a layer, or one operation in it."""

    name: str
    """As `normalization/layer-norm-spelled-out`."""
    says: str
    """What it does, as the end of the sentence `instead of it, ...`."""
    of: tuple[str, ...] = ()
    """Classes of Keras layers or operations that it can stand for."""
    operation: str | None = None
    """The TensorFlow operation that it stands for within a layer of any class; None where it is for whole layers."""
    code: Code
    bar: float = 0.0
    """For an approximation, how far it may be from the original, in shares of the output's largest value."""

    def text(self, maker: Any) -> str | None:
        """Return the code for a layer; None where the way does not apply to it."""
        found = self.code(maker)
        return None if found is None else textwrap.dedent(found).strip()

    def replacement(self, maker: Any) -> Callable[..., Any]:
        """Return what the code defines. Raises ExportFailedError where the way does not apply to the layer."""
        import math

        import keras
        import numpy as np
        import tensorflow as tf

        text = self.text(maker)
        if text is None:
            raise ExportFailedError(f"the way {self.name!r} does not apply to {maker.name!r}")
        names: dict[str, Any] = {"keras": keras, "ops": keras.ops, "np": np, "math": math, "layer": maker}
        with tf.init_scope():  # what it computes beforehand is numbers, also while a model is traced
            exec(compile(text, f"<{self.name}>", "exec"), names)  # noqa: S102 - our own text, with numbers filled in
        found: Callable[..., Any] = names["replacement"]
        return found

    def suits(self, maker: Any, operations: frozenset[str]) -> bool:
        """Whether it can be tried on a layer that makes these TensorFlow operations."""
        if self.operation is not None:
            return self.operation in operations
        return type(maker).__name__ in self.of and type(maker).__module__.startswith("keras.")
