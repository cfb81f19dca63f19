"""What the exporter says of a model and of its artifact: tensors, ports with their layouts, operations, layers.

Pure data. May not do I/O, look at a clock, or import pytest, TensorFlow or cv2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Layout(StrEnum):
    """Order of a tensor's axes at OpenCV's side. The exporter states it; nobody guesses it."""

    AS_KERAS = "as-keras"
    """The axes are those of the Keras tensor."""
    NCHW = "NCHW"
    """Keras has NHWC (channels last, 4-D); OpenCV takes or gives NCHW."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One input or output of a model, in Keras's own terms. `None` in a shape is a dynamic axis."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    low: float | None = None
    """Smallest admissible value of an input, where the model restricts it (token ids: 0)."""
    high: float | None = None
    """Largest admissible value (inclusive)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One input or output of an artifact: how OpenCV names and lays out a Keras tensor."""

    name: str
    """Name in the exported graph, which `setInput` and `forward` are given."""
    tensor: TensorSpec
    """The Keras tensor with the static shape that was exported."""
    layout: Layout = Layout.AS_KERAS


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of a network where a last activation may hide what was computed before it."""

    output: int
    """Place of the output among the network's."""
    op: str
    """`Softmax`, `Sigmoid` or `Tanh`; `Concat` for what is joined of parts that may be of very unlike scale."""
    before: str
    """The tensor (`node:0`) that it is given; never one of the network's own inputs."""
    direct: bool = True
    """Whether the output has the op's own values, in its own order: nothing but a shape comes after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an artifact's bytes are: written beside them by the exporter."""

    route: str
    format: str
    """`pb`, `onnx` or `tflite`: picks OpenCV's importer."""
    file: str
    """File name of the model, relative to the artifact's folder."""
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    weights_digest: str
    """Digest of the model's weights: references are valid for exactly these."""
    ops: dict[str, int] = field(default_factory=dict)
    """Op type -> count in the exported graph."""
    node_layers: dict[str, str] = field(default_factory=dict)
    """Exported node name -> name of the Keras layer it came from."""
    heads: tuple[Head, ...] = ()
    """Last activations behind which something was computed; empty where they are not known."""
    opset: int | None = None
    free_batch: bool = False
    """Whether the first axis of every input and output takes any size; ports have the shapes of one item."""
    notes: tuple[str, ...] = ()
    """What the exporter did that a reader should know (static sizes chosen, settings of a converter)."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpEntry:
    """One distinct operation of an exported graph: the same op with the same attributes on the same shapes."""

    op: str
    attributes: str
    """As bounded text: `axis = 1, keepdims = 0`."""
    inputs: tuple[str, ...]
    """Dtype and shape of each, and that it is constant where it is."""
    count: int
    layers: tuple[str, ...]
    """Keras layers it comes from; empty where they are not known."""
    manifest: Manifest | None = None
    """The model of this operation alone; None where it cannot stand alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpEntries:
    """All of a graph's distinct operations, in the order of first use."""

    entries: tuple[OpEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLayer:
    """A layer as `model.summary()` has it."""

    name: str
    class_: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What a model is, before any route: shown by `zoo show` and `check`."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parameters: int
    layers: tuple[str, ...]
    """Distinct Keras layer classes, sorted; empty when the source has no Keras layers."""
    weights_digest: str
    structure_digest: str
    """Digest of the frozen graph without its names: with the weights' digest, it tells one model from another."""
    open_axes: tuple[tuple[int, ...], ...] = ()
    """Per input, the axes after the batch that its Input layer leaves open; empty without Keras inputs."""
    sequence: tuple[NamedLayer, ...] = ()
    """The layers of a functional or sequential model in their order, nested models as they are; empty for others."""
    kind: str
    """`functional`, `sequential`, `subclassed`, `savedmodel`, `graphdef`, `onnx`, `tflite`."""
