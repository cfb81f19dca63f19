"""Which of Keras's layers and activations no case is about, and why: so that a new release shows what it brought.

Pure: the names of the installed Keras are given to it, and Keras is not imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.cases import Case

_ALIASES = {
    "AvgPool{}D": "AveragePooling{}D",
    "MaxPool{}D": "MaxPooling{}D",
    "GlobalAvgPool{}D": "GlobalAveragePooling{}D",
    "GlobalMaxPool{}D": "GlobalMaxPooling{}D",
    "Convolution{}D": "Conv{}D",
    "Convolution{}DTranspose": "Conv{}DTranspose",
}
_STRINGS = "works on strings, for which OpenCV has no type"
_FRAMEWORK = "runs another framework's code, of which no TensorFlow graph is made"

LEFT_OUT: Mapping[str, str] = {
    **{alias.format(rank): f"alias of {layer.format(rank)}" for alias, layer in _ALIASES.items() for rank in (1, 2, 3)},
    "SeparableConvolution1D": "alias of SeparableConv1D",
    "SeparableConvolution2D": "alias of SeparableConv2D",
    "activations.hard_swish": "alias of hard_silu",
    "activations.silu": "alias of swish",
    #
    "Layer": "base class: computes nothing",
    "Wrapper": "base class: computes nothing",
    "InputLayer": "the start of every functional model: computes nothing",
    "MaxNumBoundingBoxes": "changes bounding boxes, which are labels: images pass",
    "TFSMLayer": "a SavedModel from a file: the harness takes that as it is",
    #
    "HashedCrossing": _STRINGS,
    "Hashing": _STRINGS,
    "StringLookup": _STRINGS,
    "TextVectorization": _STRINGS,
    #
    "FlaxLayer": _FRAMEWORK,
    "JaxLayer": _FRAMEWORK,
    "TorchModuleWrapper": _FRAMEWORK,
    #
    "activations.deserialize": "no activation: reads one",
    "activations.get": "no activation: finds one",
    "activations.serialize": "no activation: writes one",
}
"""What no case covers -> the reason; named as in `Case.covers` (activations as `activations.name`)."""


def uncovered(names: Iterable[str], cases: Iterable[Case]) -> tuple[str, ...]:
    """Return those of Keras's names that no case covers and nobody has left out."""
    return tuple(sorted(set(names) - _covered(cases) - LEFT_OUT.keys()))


def stale(names: Iterable[str], cases: Iterable[Case]) -> tuple[str, ...]:
    """Return the entries of `LEFT_OUT` that Keras has no more, or that a case covers after all."""
    return tuple(sorted(LEFT_OUT.keys() - (set(names) - _covered(cases))))


def _covered(cases: Iterable[Case]) -> set[str]:
    return {name for case in cases for name in case.covers}
