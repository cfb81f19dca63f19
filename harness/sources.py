"""What a user may hand us as a model, named but not yet opened.

Pure values; recognising what a file really is lives in `sniff.py`, opening it in the exporter child.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SourceKind(StrEnum):
    """Where a model comes from."""

    CASE = "case"
    CALLABLE = "callable"
    KERAS = "keras"
    H5 = "h5"
    SAVED_MODEL = "savedmodel"
    PB = "pb"
    ONNX = "onnx"
    TFLITE = "tflite"
    CHAIN = "chain"
    """Stock Keras layers one after another, given by their configurations: `location` is a `Chain` as JSON."""

    @property
    def has_keras(self) -> bool:
        """Whether opening it gives Keras layers (needed by the routes that export a Keras model)."""
        return self in {SourceKind.CASE, SourceKind.CALLABLE, SourceKind.KERAS, SourceKind.H5, SourceKind.CHAIN}

    @property
    def has_graph(self) -> bool:
        """Whether opening it gives a TensorFlow graph, which the recipes of our own start from."""
        return self not in {SourceKind.ONNX, SourceKind.TFLITE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A part of a network: what lies between tensors (`node:0`) of its frozen graph."""

    outputs: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    """Tensors given instead of computed; empty: the network's own inputs, as far as the outputs need them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """One layer written another way, all else left alone."""

    layer: str
    """Name of the layer, as an anatomy has it."""
    way: str
    """Name of the way, as the exporter's catalogue has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One model to open: sent to the exporter as it is."""

    kind: SourceKind
    location: str
    """Case id, `package.module:callable`, or a path."""
    zoo: tuple[str, ...] = ()
    """Import names of the zoo packages in which a case id is looked up."""
    input_shapes: tuple[tuple[int, ...], ...] = ()
    """Static input shapes asked for (batch axis included), in the model's input order; empty: the model's own."""
    trust_lambda: bool = False
    """Whether code stored inside the model file may be run."""
    conditioned: bool = False
    """Whether a Keras model's weights are replaced by such under which its output depends on input and weights."""
    cut: Cut | None = None
    """The part of the network that is meant; None: the whole."""
    until: str | None = None
    """The layer whose output ends a functional or sequential model, instead of the model's own; None: the whole."""
    rewrites: tuple[Rewrite, ...] = ()
    """Layers that are written another way; what TensorFlow should give is still asked of the model as it is."""
