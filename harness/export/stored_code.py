"""Find code stored inside `.keras` and `.h5` files without deserialising them.

A Lambda layer's function is marshalled Python bytecode; loading it hands the file's author this process.
Reads zip members and HDF5 attributes only.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import ModelRejectedError
from harness.sources import SourceKind


def refuse_stored_code(path: Path, kind: SourceKind) -> None:
    """Raise ModelRejectedError if the file's configuration holds a Lambda layer, at any depth."""
    config = _keras_config(path) if kind is SourceKind.KERAS else _h5_config(path)
    names = sorted(set(lambda_layers(config)))
    if names:
        raise ModelRejectedError(
            f"{path} has Lambda layers ({', '.join(names)}): loading it runs code stored in the file; "
            "pass --trust-lambda if you trust its author"
        )


def lambda_layers(config: Any) -> Iterator[str]:
    """Yield the names of Lambda layers, and a word for functions stored elsewhere, anywhere in a configuration."""
    if isinstance(config, dict):
        inner = config.get("config")
        if config.get("class_name") == "Lambda":
            yield str(inner.get("name", "unnamed")) if isinstance(inner, dict) else "unnamed"
            return
        if config.get("class_name") == "__lambda__":
            yield "a stored function"
            return
        for value in config.values():
            yield from lambda_layers(value)
    elif isinstance(config, list):
        for value in config:
            yield from lambda_layers(value)


def _keras_config(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        raise ModelRejectedError(
            f"{path} is no complete .keras archive ({error}); it should be a zip with config.json, metadata.json "
            "and model.weights.h5: copy or save it again"
        ) from error


def _h5_config(path: Path) -> Any:
    import h5py  # type: ignore[import-untyped]

    try:
        with h5py.File(path, "r") as file:
            config = file.attrs.get("model_config")
    except OSError as error:
        raise ModelRejectedError(f"{path} is no complete HDF5 file ({error}); copy or save it again") from error
    if config is None:
        raise ModelRejectedError(
            f"{path} holds weights but no model (no model_config attribute); save the whole model with model.save(), "
            "or pass the function that builds it as package.module:callable"
        )
    return json.loads(config)
