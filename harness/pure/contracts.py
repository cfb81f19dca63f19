"""What a delivered model takes and gives: the contract between whoever trained it and whoever runs it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.manifests import Layout, Manifest, ModelInfo, Port
from harness.records import Outcome, Record

_SCALED_INSIDE = frozenset({"Rescaling", "Normalization"})


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One input or output, on both sides."""

    name: str
    """What `setInput` and `forward` are given."""
    keras_name: str
    keras_shape: tuple[int | None, ...]
    opencv_shape: tuple[int | None, ...]
    layout: str
    """`NCHW`: the channels are moved; `as-keras`: the axes are Keras's."""
    dtype: str
    low: float | None = None
    """Smallest admissible value; None where the model does not say."""
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One OpenCV on which the model was loaded, run and compared."""

    opencv: str
    engine: str
    error: float | None
    """Largest difference from TensorFlow that was seen."""
    allowed: float | None
    caveat: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """Everything somebody has to know who runs the model without Keras."""

    schema: int = 1
    model: str
    """File name, beside the contract."""
    sha256: str
    format: str
    route: str
    opset: int | None
    importer: str
    """Function of `cv2.dnn` (C++: `cv::dnn`) that loads it."""
    engine: str | None
    """Engine that it was verified with where one was asked for; None: OpenCV's own choice."""
    free_batch: bool
    """Whether the first axis of every input and output takes any size."""
    preprocessing: str
    inputs: tuple[End, ...]
    outputs: tuple[End, ...]
    verified: tuple[Verified, ...]


IMPORTERS = {"pb": "readNetFromTensorflow", "onnx": "readNetFromONNX", "tflite": "readNetFromTFLite"}
"""Functions of `cv2.dnn` by the format that they load."""


def contract_of(manifest: Manifest, info: ModelInfo, records: Sequence[Record], model: str, sha256: str) -> Contract:
    """Return the contract of an artifact; `records` are its route's, one for each OpenCV it was tried on."""
    good = [record for record in records if record.outcome is Outcome.OK]
    return Contract(
        model=model,
        sha256=sha256,
        format=manifest.format,
        route=manifest.route,
        opset=manifest.opset,
        importer=IMPORTERS[manifest.format],
        engine=_engine(good[0]),
        free_batch=manifest.free_batch,
        preprocessing=_preprocessing(info),
        inputs=tuple(_end(port, free=manifest.free_batch) for port in manifest.inputs),
        outputs=tuple(_end(port, free=manifest.free_batch) for port in manifest.outputs),
        verified=tuple(
            Verified(
                opencv=record.target.opencv,
                engine=record.target.engine_used or record.target.engine_asked,
                error=None if record.parity is None else record.parity.max_abs,
                allowed=None if record.parity is None else record.parity.allowed,
                caveat=record.caveat,
            )
            for record in good
        ),
    )


def best(records: Sequence[Record], routes: Sequence[str], stock: frozenset[str]) -> tuple[Record, ...]:
    """Return the records of the best route; empty where none works.

    Best is what works on most of the releases asked for, a recipe of ours before a stock one, then the first of
    `routes`. Not the fastest: that would change with the noise of a machine.
    """
    works = Counter(record.route for record in records if record.outcome is Outcome.OK)
    if not works:
        return ()
    chosen = min(works, key=lambda route: (-works[route], route in stock, routes.index(route)))
    return tuple(record for record in records if record.route == chosen)


def _engine(record: Record) -> str | None:
    """Return the engine that was asked for; OpenCV 4 has one engine and no such argument."""
    asked = record.target.engine_asked
    return None if asked == "default" or record.target.opencv.startswith("4.") else asked


def _preprocessing(info: ModelInfo) -> str:
    inside = sorted(_SCALED_INSIDE.intersection(info.layers))
    if inside:
        return f"The model has its own {' and '.join(inside)}: give it values as they were before that in training."
    return (
        "The model has no Rescaling or Normalization of its own: give it values scaled as they were in training. "
        "OpenCV's blobFromImage scales, subtracts and swaps channels as its arguments say, and always makes NCHW."
    )


def _end(port: Port, *, free: bool) -> End:
    spec = port.tensor
    shape: tuple[int | None, ...] = (None, *spec.shape[1:]) if free else spec.shape
    turned = port.layout is Layout.NCHW and len(shape) == 4
    return End(
        name=port.name,
        keras_name=spec.name,
        keras_shape=shape,
        opencv_shape=(shape[0], shape[3], shape[1], shape[2]) if turned else shape,
        layout=port.layout.value,
        dtype=spec.dtype,
        low=spec.low,
        high=spec.high,
    )
