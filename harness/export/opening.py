"""From a `Source` to an open `Network`: one opener per kind of source."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.effects.sniff import recognise
from harness.errors import ModelRejectedError
from harness.export import keras_models, model_files, rebuilding, saved_models
from harness.export.network import Network
from harness.export.ranges import know_ranges
from harness.sources import Source, SourceKind

_FILES = {
    SourceKind.KERAS: keras_models.open_file,
    SourceKind.H5: keras_models.open_file,
    SourceKind.SAVED_MODEL: saved_models.open_folder,
    SourceKind.PB: model_files.open_pb,
    SourceKind.ONNX: model_files.open_onnx,
    SourceKind.TFLITE: model_files.open_tflite,
}


def open_source(source: Source) -> Network:
    """Open a model. Raises ModelRejectedError with the reason and what to do when it cannot be exported."""
    import keras

    keras.backend.clear_session()  # names are numbered by process history otherwise
    keras.utils.set_random_seed(_seed(source))
    network = _open(source)
    know_ranges(network)
    return network


def _open(source: Source) -> Network:
    if source.kind is SourceKind.CASE:
        return keras_models.open_case(source)
    if source.kind is SourceKind.CALLABLE:
        return keras_models.open_callable(source)
    if source.kind is SourceKind.CHAIN:
        return rebuilding.open_chain(source)
    found = recognise(Path(source.location))
    if found is not source.kind:
        raise ModelRejectedError(f"{source.location} is announced as {source.kind} but is {found}")
    return _FILES[source.kind](source)


def _seed(source: Source) -> int:
    """Return a seed that is the same wherever and whenever this source is built."""
    digest = hashlib.sha256(f"{source.kind}:{source.location}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
