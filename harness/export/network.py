"""A model that has been opened: what every route starts from.

Whatever the source was, it is one concrete function with static shapes and clean names; the frozen and the
folded graph, the SavedModel and the digest are derived from it, once, on demand.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import ExportFailedError, ModelRejectedError
from harness.export import graphs
from harness.export.ownership import Owners
from harness.export.sizes import function_nbytes, is_too_large
from harness.manifests import ModelInfo, NamedLayer, TensorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """The tensors at both ends of a network: Keras's specs and the graph names given to them, in order."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]


class Network:
    """One opened model. Heavy derived forms are computed when first asked for and dropped by `close`."""

    def __init__(
        self,
        *,
        kind: str,
        interface: Interface,
        weights_digest: str,
        function: Any | None = None,
        model: Any | None = None,
        file: Path | None = None,
        folder: Path | None = None,
        parameters: int = 0,
        layers: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
        owners: Owners | None = None,
        unroll: Callable[[], Any] | None = None,
        resize: Callable[[tuple[TensorSpec, ...]], Network] | None = None,
        open_axes: tuple[tuple[int, ...], ...] = (),
        sequence: tuple[NamedLayer, ...] = (),
        is_part: bool = False,
    ) -> None:
        self.kind = kind
        self.interface = interface
        self.weights_digest = weights_digest
        self.model = model
        """The live `keras.Model`, or None."""
        self.file = file
        """The `.pb`, `.onnx` or `.tflite` file it was read from, or None."""
        self.parameters = parameters
        self.layers = layers
        self.notes = notes
        self._open_axes = open_axes
        self._sequence = sequence
        self.is_part = is_part
        """Whether it was cut out of another: then its weights are constants, where a whole network has variables."""
        self._function = function
        self._folder = folder
        self._saved: Path | None = None
        self.owners = owners or Owners()
        """Which Keras layer made which node."""
        self._unroll = unroll
        self._resize = resize

    @property
    def function(self) -> Any:
        """The `ConcreteFunction` over the inputs; returns the outputs as a list.

        Raises ExportFailedError for `.onnx` and `.tflite` sources, which hold no TensorFlow graph.
        """
        if self._function is None:
            raise ExportFailedError(f"a {self.kind} file holds no TensorFlow graph; use the route `as-is`")
        return self._function

    @cached_property
    def unrolled(self) -> Any:
        """The `ConcreteFunction` to export: the same, with the loops of recurrent layers written out."""
        return self._unroll() if self._unroll is not None else self.function

    @property
    def file_only(self) -> bool:
        """Whether there is no TensorFlow graph, only a file in another format."""
        return self._function is None

    @cached_property
    def frozen(self) -> Any:
        """The GraphDef with variables as constants, control flow kept functional, nothing optimised."""
        return graphs.freeze(self.function, self.interface.output_names)

    @cached_property
    def folded(self) -> Any:
        """The frozen GraphDef to export, after folding and pruning (never the remapper: OpenCV knows no fused ops)."""
        plain = self.unrolled is self.function
        frozen = self.frozen if plain else graphs.freeze(self.unrolled, self.interface.output_names)
        return graphs.fold(frozen, self.interface.input_names, self.interface.output_names)

    @cached_property
    def whole(self) -> Any:
        """The frozen GraphDef to take apart: recurrent steps written out, functions inlined, nothing folded."""
        plain = self.unrolled is self.function
        frozen = self.frozen if plain else graphs.freeze(self.unrolled, self.interface.output_names)
        return graphs.spliced(frozen, self.interface.input_names, self.interface.output_names)

    @cached_property
    def holder(self) -> Any:
        """The `tf.Graph` of `whole`, in which the shape of every tensor is known that can be."""
        import tensorflow as tf

        with tf.Graph().as_default() as holder:
            tf.graph_util.import_graph_def(self.whole, name="")
        return holder

    @property
    def _described(self) -> Any:
        """The graph that tells this network's structure: frozen, unless that is more than a GraphDef can hold."""
        if is_too_large(function_nbytes(self.function)):
            return self.function.graph.as_graph_def()
        return self.frozen

    def node_layers(self, nodes: list[str]) -> dict[str, str]:
        """Map graph node names to the Keras layers that made them; empty without a Keras model."""
        return self.owners.layers_of(nodes)

    def saved_model_dir(self) -> Path:
        """Return a folder with this network as a SavedModel: the user's own, or one written to a temporary place."""
        if self._folder is not None:
            return self._folder
        if self._saved is None:
            folder = Path(tempfile.mkdtemp(prefix="dnn-harness-savedmodel-"))
            try:
                graphs.save(self.model, self.function, folder)
            except Exception as error:  # whatever TensorFlow or a user's own layers raise; the user gets its words
                raise ExportFailedError(f"no SavedModel can be written: {type(error).__name__}: {error}") from error
            self._saved = folder
        return self._saved

    def use_folder(self, folder: Path) -> None:
        """Name the SavedModel folder this network was read from."""
        self._folder = folder

    def with_batch(self, items: int) -> Network:
        """Return the same network, on the same weights, traced at another batch size.

        Raises ExportFailedError for an input without a batch axis and for a network that has one size only.
        """
        inputs = self.interface.inputs
        if self._resize is None:
            raise ExportFailedError(f"a {self.kind} source cannot be traced at another batch size")
        if not all(spec.shape for spec in inputs):
            raise ExportFailedError("an input without axes has no batch that could be left open")
        try:
            return self._resize(tuple(replace(spec, shape=(items, *spec.shape[1:])) for spec in inputs))
        except ModelRejectedError as error:
            raise ExportFailedError(f"the network does not take a batch of {items}: {error}") from error

    def info(self) -> ModelInfo:
        """Describe the model before any route."""
        return ModelInfo(
            inputs=self.interface.inputs,
            outputs=self.interface.outputs,
            parameters=self.parameters,
            layers=self.layers,
            weights_digest=self.weights_digest,
            structure_digest="" if self.file_only else graphs.digest(self._described),  # a file is known by its bytes
            kind=self.kind,
            open_axes=self._open_axes,
            sequence=self._sequence,
        )

    def drop_frozen(self) -> None:
        """Forget the graphs, but not the function they were made from."""
        for name in ("frozen", "folded", "whole", "holder"):
            self.__dict__.pop(name, None)

    def drop_graphs(self) -> None:
        """Forget the derived graphs: they hold the weights twice more."""
        self.drop_frozen()
        self.__dict__.pop("unrolled", None)

    def close(self) -> None:
        """Release everything that can be large, in memory and on disk."""
        self.drop_graphs()
        self.model = self._function = self._unroll = self._resize = None
        if self._saved is not None:
            shutil.rmtree(self._saved, ignore_errors=True)


def digest_arrays(arrays: list[Any]) -> str:
    """Digest weights in order: dtype, shape and bytes. Names stay out; Keras numbers them by process history."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(memoryview(array.reshape(-1)).cast("B") if array.size else b"")
    return digest.hexdigest()
